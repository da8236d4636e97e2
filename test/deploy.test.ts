// The files of deploy/, and the blocks of docs/production.md.

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { testConfig } from "./gateway.ts";
import { exampleOf, paste } from "./pages.ts";
import { temporaryFolder } from "./program.ts";

/** Metrics of Prometheus itself. */
const FOREIGN = ["up"];
/** Words of PromQL that look like a metric. */
const NAME = /\b(?:countersign|process|nodejs|up)\w*\b(?=[{[)\s]|$)/g;

const dashboard = readFileSync("deploy/grafana/countersign.json", "utf8");
const alerts = readFileSync("deploy/prometheus/alerts.yml", "utf8");

function expressions(): readonly string[] {
  const panels: { targets: { expr: string }[] }[] = JSON.parse(dashboard).panels;
  const rules = [...alerts.matchAll(/^ +expr: (?:\|\n((?: {10}.*\n)+)|(.*))/gm)];
  const ofPanels = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  return [...ofPanels, ...rules.map(([, block, line]) => block ?? line ?? "")];
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

test("each alert says what to do, and has a test in which it fires and one in which it does not", () => {
  const tests = readFileSync("deploy/prometheus/alerts.test.yml", "utf8");
  const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) {
    expect(tests, name).toContain(`name: ${name} fires`);
    expect(tests, name).toContain(`name: ${name} does not fire`);
  }
  expect(alerts.match(/ action: \S/g)).toHaveLength(names.length);
});

test("the image installs packages before it copies the sources, and has the dashboard's samples", () => {
  const installs = readFileSync("deploy/Dockerfile", "utf8").match(/npm ci.*/g) ?? [];
  expect(installs.length).toBeGreaterThan(1);
  expect(installs.filter((line) => !line.includes("--ignore-scripts"))).toEqual([]);
  expect(readFileSync(".dockerignore", "utf8")).toContain("!docs/devices.md");
});

test("the secrets for compose are new, and only their owner can read them", async () => {
  const [folder, programs] = [temporaryFolder(), temporaryFolder()];
  // The change of the owner needs root.
  writeFileSync(join(programs, "sudo"), "#!/bin/sh\n", { mode: 0o755 });
  const block = exampleOf("docs/production.md", "sh", "openssl rand");
  expect(await paste(block, { cwd: folder, folders: [programs] })).toMatchObject({ status: 0, stderr: "" });
  const secrets = join(folder, "deploy/secrets");
  const names = ["admin-token", "database-password", "database-url", "grafana-password", "master-key"];
  expect(readdirSync(secrets).sort()).toEqual(names);
  expect(names.map((name) => statSync(join(secrets, name)).mode & 0o777)).toEqual(names.map(() => 0o600));
  const [adminToken = "", password = "", url = "", , masterKey = ""] = names.map((name) =>
    readFileSync(join(secrets, name), "utf8").trim(),
  );
  expect(url).toBe(`postgres://postgres:${password}@postgres/countersign`);
  const settings = { DATA_DIR: folder, MASTER_KEY: masterKey, ADMIN_TOKEN: adminToken, DATABASE_URL: url };
  expect(testConfig(settings)).toMatchObject({ adminToken, databaseUrl: url });
});

test("the settings behind a balancer are valid", async () => {
  const block = `${exampleOf("docs/production.md", "sh", "export COUNTERSIGN_PUBLIC_LISTEN")}\nenv`;
  const { stdout } = await paste(block, { cwd: "." });
  const lines = [...stdout.matchAll(/^COUNTERSIGN_(\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]);
  expect(testConfig({ ...Object.fromEntries(lines), DATA_DIR: "data" })).toMatchObject({
    publicListen: { host: "0.0.0.0", port: 8_080 },
    trustedProxies: [{ text: "10.0.0.0/24" }],
    drainDelay: 5_000,
  });
});
