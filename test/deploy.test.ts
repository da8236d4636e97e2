// deploy/: the image has what its steps need, and each metric that the dashboard and the alerts name exists.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createMetrics } from "../src/telemetry/metrics.ts";

/** Metrics of Prometheus itself. */
const FOREIGN = ["up"];
/** Words of PromQL that look like a metric. */
const NAME = /\b(?:countersign|process|nodejs|up)\w*\b(?=[{[)\s]|$)/g;

const dashboard = readFileSync("deploy/grafana/countersign.json", "utf8");
const alerts = readFileSync("deploy/prometheus/alerts.yml", "utf8");

function expressions(): readonly string[] {
  const ofPanels: readonly { readonly targets: readonly { readonly expr: string }[] }[] = JSON.parse(dashboard).panels;
  const ofRules = [...alerts.matchAll(/^ +expr: (?:\|\n((?: {10}.*\n)+)|(.*))/gm)].map(
    ([, block, line]) => block ?? line,
  );
  return [...ofPanels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), ...ofRules.map(String)];
}

test("each metric that the dashboard and the alerts name exists", async () => {
  const { body } = await createMetrics("1.2.3").render();
  const types = new Map([...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]));
  const exists = (name: string): boolean => {
    const histogram = name.replace(/_(bucket|count|sum)$/, "");
    return types.has(name) || types.get(histogram) === "histogram" || FOREIGN.includes(name);
  };
  const named = expressions().flatMap((expression) => expression.replaceAll(/"[^"]*"/g, '""').match(NAME) ?? []);
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((name) => !exists(name))).toEqual([]);
});

test("each alert has a test that it fires and one that it does not, and says what to do", () => {
  const tests = readFileSync("deploy/prometheus/alerts.test.yml", "utf8");
  const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) {
    expect(tests, name).toContain(`name: ${name} fires`);
    expect(tests, name).toContain(`name: ${name} does not fire`);
  }
  expect(alerts.match(/ action: \S/g)).toHaveLength(names.length);
});

test("the image installs before the sources are there, without scripts that need them, and has the dashboard's samples", () => {
  const installs = readFileSync("deploy/Dockerfile", "utf8").match(/npm ci.*/g) ?? [];
  expect(installs.length).toBeGreaterThan(1);
  expect(installs.filter((line) => !line.includes("--ignore-scripts"))).toEqual([]);
  expect(readFileSync(".dockerignore", "utf8")).toContain("!docs/devices.md");
});
