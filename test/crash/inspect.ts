// Inspects a database without a gateway: nothing is corrupt, and each change has its audit event.

import { join } from "node:path";
import { sql } from "kysely";
import type { Environment } from "../../src/config.ts";
import type { Database } from "../../src/store/database.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

/** @returns the faults, a line each */
export async function inspectDatabase({ DATA_DIR = "", DATABASE_URL: url }: Environment): Promise<readonly string[]> {
  const database = url === undefined ? openSqlite(join(DATA_DIR, "countersign.db")) : await openPostgres({ url });
  try {
    return [...(await findCorruption(database)), ...(await findUnaudited(database))];
  } finally {
    await database.close();
  }
}

async function findCorruption({ db, dialect }: Database): Promise<readonly string[]> {
  // PostgreSQL's own check is to read everything, which the rest of this file does.
  if (dialect === "postgres") return [];
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db);
  const foreign = await sql<{ table: string }>`pragma foreign_key_check`.execute(db);
  return [
    ...rows.map(({ integrity_check }) => integrity_check).filter((line) => line !== "ok"),
    ...foreign.rows.map(({ table }) => `a row of ${table} has no owner`),
  ];
}

/** A device that was created alone has one audit event for each version; a deleted one has one more. */
async function findUnaudited({ db }: Database): Promise<readonly string[]> {
  const events = await db
    .selectFrom("audit_events")
    .where("resource", "like", "devices/%")
    .select(["resource", ({ fn }) => fn.countAll<number>().as("events")])
    .groupBy("resource")
    .execute();
  const counts = new Map(
    events.map(({ resource, events: count }) => [resource.slice("devices/".length), Number(count)]),
  );
  const devices = await db
    .selectFrom("devices")
    .where("device_key", "<>", "")
    .select(["device_key", "revision"])
    .execute();
  const wrong = devices.flatMap(({ device_key, revision }) => {
    const count = counts.get(device_key);
    counts.delete(device_key);
    // Devices of an import share one event.
    if (count === undefined || count === Number(revision)) return [];
    return [`device ${device_key} has ${count} audit events and is at version ${revision}`];
  });
  for (const [device, count] of counts) {
    if (count !== 3)
      wrong.push(`device ${device} is gone, with ${count} audit events for making, changing and deleting it`);
  }
  const { imported } = await db
    .selectFrom("audit_events")
    .where("action", "=", "ImportDevices")
    .select(({ fn }) => fn.countAll<number>().as("imported"))
    .executeTakeFirstOrThrow();
  const alone = new Set(events.map(({ resource }) => resource.slice("devices/".length)));
  const rows = devices.filter(({ device_key }) => !alone.has(device_key)).length;
  if (rows !== 40 * Number(imported))
    wrong.push(`${rows} imported devices, and audit events of ${imported} imports of 40`);
  return wrong;
}
