// Backs up and restores the database, whichever it is.

import { dataFile } from "../config.ts";
import type { Database } from "../store/database.ts";
import { isMigrated, schemaOf } from "../store/migrations.ts";
import { BackupError, backUpSqlite, restoreSqlite } from "../store/sqlite-backup.ts";

export interface DatabasePlace {
  readonly dataDir: string;
  /** Undefined for SQLite. */
  readonly databaseUrl: string | undefined;
  /** For PostgreSQL's programs. */
  readonly environment: NodeJS.ProcessEnv;
}

/** Writes a backup into a new file, while gateways run. @throws BackupError, AuthError `unavailable` */
export async function backUp({ dataDir, databaseUrl, environment }: DatabasePlace, output: string): Promise<void> {
  if (databaseUrl === undefined) return backUpSqlite(dataFile(dataDir, "countersign.db"), output);
  const { dumpPostgres } = await import("../store/postgres/dump.ts");
  const schema = await withPostgres(databaseUrl, async (database) => {
    if (await isMigrated(database)) return (await schemaOf(database.db)) ?? "public";
    throw new BackupError("this database has no registry. Look at COUNTERSIGN_DATABASE_URL");
  });
  await dumpPostgres({ url: databaseUrl, environment }, schema, output);
}

/** Restores a backup where there is no registry yet. @throws BackupError, AuthError `unavailable` */
export async function restore({ dataDir, databaseUrl, environment }: DatabasePlace, input: string): Promise<void> {
  if (databaseUrl === undefined) return restoreSqlite(dataFile(dataDir, "countersign.db"), input);
  const { restorePostgres } = await import("../store/postgres/dump.ts");
  await withPostgres(databaseUrl, async (database) => {
    if (!(await isMigrated(database))) return;
    const cure = "Name an empty database, or stop every gateway and empty its schema";
    throw new BackupError(`this database has a registry already. ${cure}`);
  });
  await restorePostgres({ url: databaseUrl, environment }, input);
}

async function withPostgres<Result>(url: string, act: (database: Database) => Promise<Result>): Promise<Result> {
  const { openPostgres } = await import("../store/postgres.ts");
  const database = await openPostgres({ url });
  try {
    return await database.read(() => act(database));
  } finally {
    await database.close();
  }
}
