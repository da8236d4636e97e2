// Databases for a test, on disk or on the PostgreSQL of the run, with several connections like those of several processes.

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { inject, onTestFinished } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

/** Long timeouts, since other tests keep the machine busy. */
export const PATIENT = { connectMs: 20_000, answerMs: 10_000 };

/** An empty database. */
export interface Empty {
  /** Opens a connection, which is closed when the test ends. */
  connect(): Promise<Database>;
}

/** Creates a file in its own folder, which is removed when the test ends. */
export function emptySqlite(): Empty & { readonly folder: string; readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "countersign.db");
  return { folder, path, connect: async () => closing(openSqlite(path)) };
}

/** Creates a database on the PostgreSQL of the run: empty, or a copy of `template`. It stays as long as the server. */
export async function makePostgres(template?: string): Promise<{ readonly name: string; readonly url: string }> {
  const server = inject("postgresUrl");
  if (server === undefined) throw new Error("there is no PostgreSQL. Run: npm test");
  const name = `test_${randomBytes(8).toString("hex")}`;
  await execute(server, `create database ${name}${template === undefined ? "" : ` template ${template}`}`);
  return { name, url: Object.assign(new URL(server), { pathname: `/${name}` }).href };
}

/** A database that is dropped when the test ends. */
export async function emptyPostgres(template?: string): Promise<Empty & { readonly url: string }> {
  const { name, url } = await makePostgres(template);
  onTestFinished(() => execute(inject("postgresUrl") ?? "", `drop database ${name} with (force)`));
  return { url, connect: async () => closing(await openPostgres({ url, ...PATIENT })) };
}

function closing(database: Database): Database {
  onTestFinished(() => database.close());
  return database;
}

export async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
