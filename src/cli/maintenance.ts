// `countersign check`, `backup`, `restore` and `secrets`: a gateway's settings and database.

import type { Command } from "commander";
import { processEnvironment, readConfig } from "../config.ts";
import { AuthError } from "../core/errors.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
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

/** Adds `backup`. */
export function addBackupCommand(program: Command): void {
  program
    .command("backup")
    .description("back up the database while gateways run: SQLite's file, or PostgreSQL by pg_dump")
    .requiredOption("--output <file>", "a new file, which only its owner can read")
    .action(async ({ output }: { readonly output: string }, command: Command) => {
      const { backUp } = await import("../app/backup.ts");
      await explained(backUp(output));
      writeResult(command, { output }, [`${output} holds the database, but not the master key that its secrets need`]);
    });
}

/** Adds `restore`. */
export function addRestoreCommand(program: Command): void {
  program
    .command("restore")
    .description("restore a backup where there is no registry: into DATA_DIR, or the empty database of DATABASE_URL")
    .argument("<file>", "a backup of the same kind of database")
    .action(async (file: string, _options: unknown, command: Command) => {
      const { restore } = await import("../app/backup.ts");
      await explained(restore(file));
      writeResult(command, { restored: file }, ["restored. Run countersign check before you start a gateway"]);
    });
}

async function explained(done: Promise<void>): Promise<void> {
  try {
    await done;
  } catch (error) {
    const isExpected = error instanceof AuthError || (error instanceof Error && error.name === "BackupError");
    throw isExpected ? new CommandFailure(error.message) : error;
  }
}

/** Adds `secrets`. */
export function addSecretsCommand(program: Command): void {
  adminCommand(program, "secrets")
    .description("manage the secrets that are sealed in the database")
    .command("reseal")
    .description("seal with COUNTERSIGN_MASTER_KEY every secret that one of COUNTERSIGN_OTHER_MASTER_KEYS sealed")
    .action(async (_options: object, command: Command) => {
      const { resealed, unopened } = await reseal();
      if (unopened > 0) {
        throw new CommandFailure(
          `${resealed} secrets were sealed with COUNTERSIGN_MASTER_KEY, and ${unopened} cannot be unsealed by any master key of the gateway. Add the missing key to it, and run this again (docs/secrets.md)`,
          { resealed, unopened },
        );
      }
      writeResult(command, { resealed, unopened }, [
        `resealed ${resealed}`,
        "All secrets are sealed with COUNTERSIGN_MASTER_KEY. Remove the old one from COUNTERSIGN_OTHER_MASTER_KEYS.",
      ]);
    });
}

/** Reseals all secrets. Each call reseals a batch, so that no call takes long. */
function reseal(): Promise<{ resealed: number; unopened: number }> {
  return callAdmin(async (admin) => {
    for (let resealed = 0; ; ) {
      const answer = await admin.resealSecrets({});
      resealed += answer.resealed;
      if (answer.done) return { resealed, unopened: answer.unopened };
    }
  });
}
