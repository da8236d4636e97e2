// `countersign backup` and `countersign restore`: the database of this gateway's settings.

import type { Command } from "commander";
import type { DatabasePlace } from "../app/backup.ts";
import { processEnvironment, readDatabasePlace } from "../config.ts";
import { AuthError } from "../core/errors.ts";
import { CommandFailure, writeResult } from "./terminal/output.ts";

/** Adds `backup`. */
export function addBackupCommand(program: Command): void {
  program
    .command("backup")
    .description("back the database up while gateways run: DATA_DIR's, or that of DATABASE_URL by pg_dump")
    .requiredOption("--output <file>", "a new file, which only its owner can read")
    .action(async ({ output }: { readonly output: string }, command: Command) => {
      const { backUp } = await import("../app/backup.ts");
      await explained(() => backUp(readPlace(), output));
      writeResult(command, { output }, [
        `${output} has the database. Its secrets need the master key, which it has not`,
      ]);
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
      await explained(() => restore(readPlace(), file));
      writeResult(command, { restored: file }, ["restored. Before the start: countersign check"]);
    });
}

function readPlace(): DatabasePlace {
  return { ...readDatabasePlace(), environment: processEnvironment() };
}

async function explained(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const isTold = error instanceof AuthError || (error instanceof Error && error.name === "BackupError");
    throw isTold ? new CommandFailure(error.message) : error;
  }
}
