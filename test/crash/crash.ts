// Kills a gateway during writes, again and again, compares the registry with the acknowledged writes, and inspects the database.

import { randomInt } from "node:crypto";
import { join } from "node:path";
import { sql } from "kysely";
import type { Environment } from "../../src/config.ts";
import type { Database } from "../../src/store/database.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { enrolFleet, IMPORTED, Ledger, look, startCrashingGateway, writeUntilKilled } from "./workload.ts";

export interface CrashOptions {
  /** Number of kills of the gateway. */
  readonly kills: number;
  /** A folder for SQLite, or the URL of PostgreSQL. */
  readonly settings: Environment;
  /** After every `every` kills, `act` kills and restarts the database too. */
  readonly killDatabase?: { readonly every: number; readonly act: () => Promise<void> };
}

export interface CrashReport {
  /** Writes that were acknowledged. */
  readonly acknowledged: number;
  /** Lost or corrupt rows, a line each. */
  readonly wrong: readonly string[];
}

/** The most acknowledged writes before a kill. */
const MOST_WRITES = 25;
/** Names looked up at once. */
const LOOKS = 16;

export async function runCrashes({ kills, settings, killDatabase }: CrashOptions): Promise<CrashReport> {
  const ledger = new Ledger();
  const wrong: string[] = [];
  let gateway = await startCrashingGateway(settings);

  async function settle(names: Iterable<string>): Promise<void> {
    const left = [...names];
    const lookAll = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        const mistake = ledger.settle(name, await look(gateway.admin, name));
        if (mistake !== undefined) wrong.push(mistake);
      }
    };
    await Promise.all(Array.from({ length: LOOKS }, lookAll));
  }

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
      await settle(ledger.touched);
    }
    // No kill has removed a row that was acknowledged earlier.
    await settle(ledger.states.keys());
    await gateway.kill();
    wrong.push(...(await inspectDatabase(settings)));
    return { acknowledged: ledger.acknowledged, wrong };
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

/** A device that was created alone has one audit event for each version; a deleted one has three. Devices of an import share one. */
async function findUnaudited({ db }: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string | null; device: string | null; revision: number; events: number }>`
    select resource as name, device_key as device, coalesce(revision, 3) as revision, coalesce(events, 0) as events
    from (select * from devices where device_key <> '') as devices
    full join (select resource, count(*) as events from audit_events where resource like 'devices/%' group by resource) as audited
    on resource = 'devices/' || device_key`.execute(db);
  const wrong = rows
    .filter(({ name, revision, events }) => name !== null && Number(events) !== Number(revision))
    .map(({ name, device, revision, events }) =>
      device === null ? `${name} is gone, with ${events} audit events` : `${name} has ${events} of ${revision} events`,
    );
  const imports = db.selectFrom("audit_events").where("action", "=", "ImportDevices").select("action");
  const [batches, imported] = [(await imports.execute()).length, rows.filter(({ name }) => name === null).length];
  if (imported !== IMPORTED * batches)
    wrong.push(`${imported} imported devices, and audit events of ${batches} imports`);
  return wrong;
}
