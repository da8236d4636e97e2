// The files of deploy/ pass their own programs or a linter.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { startTestGateway } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";
import { install, succeed } from "./programs.ts";

const PROMTOOL = { name: "promtool", packages: "prometheus", probe: "promtool --version" };
const YAML_RULES = "{extends: relaxed, rules: {line-length: disable}}";
const DOCKERFILE_UTILS = `${process.execPath} node_modules/dockerfile-utils/bin/dockerfile-utils`;

test.each([
  ["promtool check config deploy/prometheus/prometheus.yml", PROMTOOL.packages, PROMTOOL.probe],
  ["promtool test rules deploy/prometheus/alerts.test.yml", PROMTOOL.packages, PROMTOOL.probe],
  ["docker-compose -f deploy/compose.yml config --quiet", "docker-compose", "docker-compose version"],
  [`${DOCKERFILE_UTILS} lint deploy/Dockerfile`, "", "true"],
  [`yamllint --strict -d '${YAML_RULES}' deploy examples/balancers`, "yamllint", "yamllint --version"],
])("%s finds no mistake", async (command, packages, probe) => {
  install({ name: command, packages, probe });
  await succeed(["sh", "-c", command]);
});

test("promtool check metrics finds no mistake in a gateway's metrics", async () => {
  install(PROMTOOL);
  const { internalUrl } = await startTestGateway();
  const metrics = await (await fetch(new URL("/metrics", internalUrl))).text();
  await succeed(["promtool", "check", "metrics"], metrics);
});

test("kustomize builds deploy/kubernetes with its four secrets", async () => {
  install({ name: "kustomize", packages: "kustomize", probe: "kustomize version" });
  const folder = temporaryFolder();
  cpSync("deploy/kubernetes", folder, { recursive: true });
  mkdirSync(join(folder, "secrets"));
  for (const name of ["master-key", "admin-token", "database-url", "redis-url"])
    writeFileSync(join(folder, "secrets", name), "secret");
  await succeed(["kustomize", "build", folder]);
});

test("systemd-analyze verify finds no mistake in deploy/systemd", async () => {
  install({ name: "systemd-analyze", packages: "systemd", probe: "systemd-analyze --version" });
  const file = join(temporaryFolder(), "countersign.service");
  // systemd-analyze looks for the program, which is not installed here.
  const unit = readFileSync("deploy/systemd/countersign.service", "utf8");
  writeFileSync(file, unit.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
  await succeed(["systemd-analyze", "verify", file]);
});
