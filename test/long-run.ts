// The command line of a long run: options that are numbers, printed lines, and the exit status.

import { mkdtempDisposableSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Environment } from "../src/config.ts";
import { type PostgresServer, startPostgres } from "./postgres/server.ts";
import { say } from "./requirements.ts";

/** Reads options that are numbers above zero, as `--rate 100`. @returns a function that reads one @throws Error for another word */
export function readNumbers<Name extends string>(defaults: Readonly<Record<Name, number>>): (name: Name) => number {
  const options = Object.fromEntries(
    Object.entries<number>(defaults).map(([name, value]) => [
      name,
      { type: "string", default: String(value) } as const,
    ]),
  );
  const { values } = parseArgs({ options });
  return (name) => {
    const number = Number(values[name]);
    if (!(number > 0)) throw new Error(`--${name} is a number above zero`);
    return number;
  };
}

/** Prints the result of a run and its first mistakes. The exit status is 1 for a mistake or another failure. */
export function report(line: string, mistakes: readonly string[] = [], failed = mistakes.length > 0): void {
  say(line);
  for (const mistake of [...new Set(mistakes)].slice(0, 20)) say(`  ${mistake}`);
  if (failed) process.exitCode = 1;
}

/** The load of the machine, for the end of a line. */
export function machineLoad(): string {
  return `load of the machine ${loadavg()[0]?.toFixed(1)}`;
}

/** Runs on a file of SQLite, then on a PostgreSQL of its own. */
export async function onBothDatabases(
  run: (name: "SQLite" | "PostgreSQL", settings: Environment, server?: PostgresServer) => Promise<void>,
): Promise<void> {
  using folder = mkdtempDisposableSync(join(tmpdir(), "countersign-run-"));
  await run("SQLite", { DATA_DIR: folder.path });
  const postgres = await startPostgres();
  try {
    await run("PostgreSQL", { DATA_DIR: folder.path, DATABASE_URL: postgres.url }, postgres);
  } finally {
    await postgres.stop();
  }
}
