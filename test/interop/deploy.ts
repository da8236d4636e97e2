// The files of deploy/, checked by their own programs, or by linters where those programs cannot run here.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Requirement, runs } from "../requirements.ts";
import { LONGEST_MS, type Row, requiring, runProgram } from "./rows.ts";
import type { Subject } from "./subject.ts";

const YAMLLINT = "{extends: relaxed, rules: {line-length: disable}}";
const KUBERNETES_SECRETS = ["master-key", "admin-token", "database-url", "redis-url"];

interface Check extends Requirement {
  /** @returns a command, and its standard input */
  readonly prepare: (folder: string, subject: Subject) => Promise<readonly [readonly string[], string?]>;
}

const promtool = { packages: ["prometheus"], present: () => runs("promtool", "--version") };

const CHECKS: readonly Check[] = [
  {
    ...promtool,
    name: "promtool check metrics",
    prepare: async (_folder, { internalUrl }) => [
      ["promtool", "check", "metrics"],
      await (await fetch(new URL("/metrics", internalUrl))).text(),
    ],
  },
  {
    ...promtool,
    name: "promtool check config and rules",
    prepare: async () => [["promtool", "check", "config", "deploy/prometheus/prometheus.yml"]],
  },
  {
    ...promtool,
    name: "promtool test rules",
    prepare: async () => [["promtool", "test", "rules", "deploy/prometheus/alerts.test.yml"]],
  },
  {
    name: "docker-compose config",
    packages: ["docker-compose"],
    present: () => runs("docker-compose", "version"),
    prepare: async () => [["docker-compose", "-f", "deploy/compose.yml", "config", "--quiet"]],
  },
  {
    name: "kustomize build",
    packages: ["kustomize"],
    present: () => runs("kustomize", "version"),
    async prepare(folder) {
      const copy = join(folder, "kubernetes");
      cpSync("deploy/kubernetes", copy, { recursive: true });
      mkdirSync(join(copy, "secrets"));
      for (const name of KUBERNETES_SECRETS) writeFileSync(join(copy, "secrets", name), "secret");
      return [["kustomize", "build", copy]];
    },
  },
  {
    name: "dockerfile-utils lint",
    packages: [],
    present: () => true,
    prepare: async () => [
      [process.execPath, "node_modules/dockerfile-utils/bin/dockerfile-utils", "lint", "deploy/Dockerfile"],
    ],
  },
  {
    name: "systemd-analyze verify",
    packages: ["systemd"],
    present: () => runs("systemd-analyze", "--version"),
    async prepare(folder) {
      // systemd-analyze looks for the program, which is not installed here.
      const unit = readFileSync("deploy/systemd/countersign.service", "utf8");
      const copy = join(folder, "countersign.service");
      writeFileSync(copy, unit.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
      return [["systemd-analyze", "verify", copy]];
    },
  },
  {
    name: "yamllint",
    packages: ["yamllint"],
    present: () => runs("yamllint", "--version"),
    prepare: async () => [["yamllint", "--strict", "-d", YAMLLINT, "deploy", "examples/balancers"]],
  },
];

/** A row for each check. */
export function deployRows(subject: Subject, folder: string): readonly Row[] {
  return CHECKS.map((check) =>
    requiring(check, {
      name: `deploy ${check.name}`,
      async run() {
        const [command, input] = await check.prepare(folder, subject);
        const { status, stdout, stderr } = await runProgram(command, LONGEST_MS, input);
        return status === 0 ? [] : [`${status}: ${stdout}${stderr}`];
      },
    }),
  );
}
