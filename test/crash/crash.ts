// Kills a gateway during writes, again and again, compares the registry with the acknowledged writes, and inspects the database.

import { randomInt } from "node:crypto";
import { join } from "node:path";
import { sql } from "kysely";
import type { Environment } from "../../src/config.ts";
import type { Database } from "../../src/store/database.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { type CrashingGateway, startCrashingGateway } from "./gateway.ts";
import { Ledger } from "./ledger.ts";
import { enrolFleet, look, writeUntilKilled } from "./workload.ts";

export interface CrashOptions {
  /** Number of kills of the gateway. */
  readonly kills: number;
  /** A folder for SQLite, or the URL of PostgreSQL. */
  readonly settings: Environment;
  /** After every `every` kills, `act` kills and restarts the database too. */
  readonly killDatabase?: { readonly every: number; readonly act: () => Promise<void> };
  readonly onKill?: (kills: number, acknowledged: number) => void;
}

export interface CrashReport {
  readonly kills: number;
  /** Writes that were acknowledged. */
  readonly acknowledged: number;
  /** Lost or corrupt rows, a line each. */
  readonly wrong: readonly string[];
}

/** The most acknowledged writes before a kill. */
const MOST_WRITES = 25;
/** Names looked up at once. */
const LOOKS = 16;

export async function runCrashes({ kills, settings, killDatabase, onKill }: CrashOptions): Promise<CrashReport> {
  const ledger = new Ledger();
  const wrong: string[] = [];

  async function settle({ admin }: CrashingGateway, names: readonly string[]): Promise<void> {
    const left = [...names];
    await Promise.all(
      Array.from({ length: LOOKS }, async () => {
        for (let name = left.pop(); name !== undefined; name = left.pop()) {
          const mistake = ledger.settle(name, await look(admin, name));
          if (mistake !== undefined) wrong.push(mistake);
        }
      }),
    );
  }

  let gateway = await startCrashingGateway(settings);
  try {
    const fleet = await enrolFleet(gateway);
    for (let kill = 1; kill <= kills; kill++) {
      let left = randomInt(1, MOST_WRITES);
      // Kills at a time within a write, not only between writes.
      const onWrite = (): void => {
        if (--left === 0) setTimeout(() => void gateway.kill(), randomInt(4));
      };
      await writeUntilKilled(gateway, fleet, ledger, onWrite);
      await gateway.kill();
      if (killDatabase !== undefined && kill % killDatabase.every === 0) await killDatabase.act();
      gateway = await startCrashingGateway(settings);
      await settle(gateway, ledger.touched);
      onKill?.(kill, ledger.acknowledged);
    }
    // No kill has removed a row that was acknowledged earlier.
    await settle(gateway, ledger.names);
    await gateway.kill();
    wrong.push(...(await inspectDatabase(settings)));
    return { kills, acknowledged: ledger.acknowledged, wrong };
  } finally {
    await gateway.kill();
  }
}

/** Inspects a database without a gateway: nothing is corrupt, and each change has its audit event. @returns the faults, a line each */
async function inspectDatabase({ DATA_DIR = "", DATABASE_URL: url }: Environment): Promise<readonly string[]> {
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
