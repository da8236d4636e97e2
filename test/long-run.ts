// The command line of a long run: numeric options, results, exit status.

import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
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

/** The outcome of a run: a line with its figures, and what was wrong. */
export interface Result {
  readonly line: string;
  readonly mistakes: readonly string[];
}

/** Runs on a file of SQLite, then on a PostgreSQL of its own, and reports both results. */
export async function onBothDatabases(
  run: (settings: Environment & { readonly DATA_DIR: string }, server?: PostgresServer) => Promise<Result>,
): Promise<void> {
  using folder = mkdtempDisposableSync(join(tmpdir(), "countersign-run-"));
  const settings = { DATA_DIR: folder.path };
  const onSqlite = await run(settings);
  report(`SQLite: ${onSqlite.line}`, onSqlite.mistakes);
  const postgres = await startPostgres();
  try {
    const onPostgres = await run({ ...settings, DATABASE_URL: postgres.url }, postgres);
    report(`PostgreSQL: ${onPostgres.line}`, onPostgres.mistakes);
  } finally {
    await postgres.stop();
  }
}
