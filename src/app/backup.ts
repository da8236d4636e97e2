// Backs up and restores the database that the settings name.

import { dataFile, processEnvironment, readDatabaseLocation } from "../config.ts";
import { isMigrated, schemaOf } from "../store/migrations.ts";
import { BackupError, backUpSqlite, restoreSqlite } from "../store/sqlite-backup.ts";

/** Writes a backup into a new file, while gateways run. @throws BackupError, ConfigError, AuthError `unavailable` */
export async function backUp(output: string): Promise<void> {
  const { dataDir, databaseUrl: url } = readDatabaseLocation();
  if (url === undefined) return backUpSqlite(dataFile(dataDir, "countersign.db"), output);
  const { dumpPostgres } = await import("../store/postgres/dump.ts");
  const { isRegistry, schema } = await describePostgres(url);
  if (!isRegistry) throw new BackupError("this database has no registry. Check COUNTERSIGN_DATABASE_URL");
  await dumpPostgres({ url, environment: processEnvironment() }, schema, output);
}

/** Restores a backup where there is no registry yet. @throws BackupError, ConfigError, AuthError `unavailable` */
export async function restore(input: string): Promise<void> {
  const { dataDir, databaseUrl: url } = readDatabaseLocation();
  if (url === undefined) return restoreSqlite(dataFile(dataDir, "countersign.db"), input);
  const { restorePostgres } = await import("../store/postgres/dump.ts");
  const { isRegistry } = await describePostgres(url);
  if (isRegistry) {
    const cure = "Name an empty database, or stop every gateway and empty its schema";
    throw new BackupError(`this database has a registry already. ${cure}`);
  }
  await restorePostgres({ url, environment: processEnvironment() }, input);
}

async function describePostgres(url: string): Promise<{ readonly isRegistry: boolean; readonly schema: string }> {
  const { openPostgres } = await import("../store/postgres.ts");
  await using opened = new AsyncDisposableStack();
  const database = await openPostgres({ url });
  opened.defer(database.close);
  return await database.read(async (db) => ({
    isRegistry: await isMigrated(database),
    schema: (await schemaOf(db)) ?? "public",
  }));
}
