// `countersign check`: what a gateway with these settings would meet, before it is started.

import type { Command } from "commander";
import { processEnvironment, readConfig } from "../config.ts";
import { CommandFailure, writeResult } from "./terminal/output.ts";

/** Adds `check`. */
export function addCheckCommand(program: Command): void {
  program
    .command("check")
    .description("check settings, database, keys, Redis, certificates and clocks, and change nothing")
    .action(async (_options: unknown, command: Command) => {
      // A ConfigError names every mistake itself.
      const config = readConfig(processEnvironment(), { dev: false });
      const { checkSite } = await import("../app/check.ts");
      const findings = [{ name: "settings", status: "ok", message: "valid" }, ...(await checkSite(config))];
      const lines = findings.map(({ name, status, message }) => `${status.padEnd(8)}${name.padEnd(12)}${message}`);
      writeResult(command, { findings }, lines);
      const wrong = findings.filter(({ status }) => status === "wrong").map(({ name }) => name);
      if (wrong.length > 0) throw new CommandFailure(`a gateway would not work: ${wrong.join(", ")}`, { wrong });
    });
}
