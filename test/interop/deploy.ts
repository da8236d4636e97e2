// The files of deploy/, checked by their own programs, or by linters where those programs cannot run here.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestGateway } from "../gateway.ts";
import type { Requirement } from "../requirements.ts";
import { LONGEST_MS, type Row, requiring, runProgram } from "./rows.ts";

const KUBERNETES_SECRETS = ["master-key", "admin-token", "database-url", "redis-url"];

interface Check extends Requirement {
  readonly command: (folder: string) => string;
  /** Makes what the command reads. @returns its standard input */
  readonly prepare?: (folder: string, gateway: TestGateway) => Promise<string>;
}

const promtool = { packages: "prometheus", probe: "promtool --version" };

const CHECKS: readonly Check[] = [
  {
    ...promtool,
    name: "promtool check metrics",
    command: () => "promtool check metrics",
    prepare: async (_folder, { internalUrl }) => (await fetch(new URL("/metrics", internalUrl))).text(),
  },
  {
    ...promtool,
    name: "promtool check config and rules",
    command: () => "promtool check config deploy/prometheus/prometheus.yml",
  },
  {
    ...promtool,
    name: "promtool test rules",
    command: () => "promtool test rules deploy/prometheus/alerts.test.yml",
  },
  {
    name: "docker-compose config",
    packages: "docker-compose",
    probe: "docker-compose version",
    command: () => "docker-compose -f deploy/compose.yml config --quiet",
  },
  {
    name: "kustomize build",
    packages: "kustomize",
    probe: "kustomize version",
    command: (folder) => `kustomize build ${folder}/kubernetes`,
    async prepare(folder) {
      const copy = join(folder, "kubernetes");
      cpSync("deploy/kubernetes", copy, { recursive: true });
      mkdirSync(join(copy, "secrets"));
      for (const name of KUBERNETES_SECRETS) writeFileSync(join(copy, "secrets", name), "secret");
      return "";
    },
  },
  {
    name: "dockerfile-utils lint",
    packages: "",
    probe: "true",
    command: () => `${process.execPath} node_modules/dockerfile-utils/bin/dockerfile-utils lint deploy/Dockerfile`,
  },
  {
    name: "systemd-analyze verify",
    packages: "systemd",
    probe: "systemd-analyze --version",
    command: (folder) => `systemd-analyze verify ${folder}/countersign.service`,
    async prepare(folder) {
      // systemd-analyze looks for the program, which is not installed here.
      const unit = readFileSync("deploy/systemd/countersign.service", "utf8");
      const runnable = unit.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true");
      writeFileSync(join(folder, "countersign.service"), runnable);
      return "";
    },
  },
  {
    name: "yamllint",
    packages: "yamllint",
    probe: "yamllint --version",
    command: () => "yamllint --strict -d '{extends: relaxed, rules: {line-length: disable}}' deploy examples/balancers",
  },
];

/** A row for each check. */
export function deployRows(gateway: TestGateway, folder: string): readonly Row[] {
  return CHECKS.map((check) =>
    requiring(check, {
      name: `deploy ${check.name}`,
      async run() {
        const input = await check.prepare?.(folder, gateway);
        const command = ["sh", "-c", check.command(folder)];
        const { status, stdout, stderr } = await runProgram(command, LONGEST_MS, input);
        return status === 0 ? [] : [`${status}: ${stdout}${stderr}`];
      },
    }),
  );
}
