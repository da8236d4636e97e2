// SQLite against the contracts of a store, and its files.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { migrate } from "../../src/store/migrations.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createStore } from "../../src/store/sql.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { storeContract } from "../contracts/store.ts";
import { addCustomer, addDevice, NOW } from "../contracts/store-samples.ts";
import { secretsContract } from "../contracts/store-secrets.ts";
import { caughtErrorOf } from "../core/caught-error.ts";
import { activePrivateKey, openRing } from "../keyring/ring.ts";
import { emptySqlite } from "./connections.ts";
import { openDatabase } from "./database.ts";
import { migrationsContract } from "./migrations-contract.ts";
import { fill, SECRET, sealedRowsContract } from "./sealed-rows.ts";
import { firstStartContract } from "./start-together.ts";

storeContract("SQLite", openDatabase);
sealedRowsContract("SQLite", openDatabase);
secretsContract("SQLite", openDatabase);
migrationsContract("SQLite", async () => emptySqlite());
firstStartContract(async () => emptySqlite().path);

function readAll(folder: string): Buffer {
  return Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
}

describe("the file on disk", () => {
  test("no file holds a customer key, as text, hex or base64", async () => {
    const { folder } = await fill(await openDatabase());
    const bytes = readAll(folder);
    // The search works: it finds a value that is stored unsealed.
    expect(bytes.includes("customer-1")).toBe(true);
    for (const coding of ["utf8", "hex", "base64"] as const) {
      expect(bytes.includes(Buffer.from(SECRET).toString(coding).slice(0, 40))).toBe(false);
    }
  });

  test("no file holds the private signing key", async () => {
    const { folder, store } = await openDatabase();
    await openRing(store.signingKeys, { alg: "RS256" });
    const der = await activePrivateKey(store.signingKeys);
    expect(der.length).toBeGreaterThan(1_000);
    const bytes = readAll(folder);
    // From the middle on: the secret exponent and the primes come after the public modulus.
    for (let at = 320; at + 16 < der.length; at += 16) expect(bytes.includes(der.subarray(at, at + 16))).toBe(false);
  });

  test("its files are readable by their owner only", async () => {
    const { folder } = await fill(await openDatabase());
    const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
    expect(modes.length).toBeGreaterThan(1);
    expect(new Set(modes)).toEqual(new Set([0o600]));
  });
});

test("the connection uses WAL, syncs every commit and enforces foreign keys", async () => {
  const { db } = await emptySqlite().connect();
  const pragma = async (name: string): Promise<unknown> => {
    const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(db);
    return Object.values(rows[0] ?? {})[0];
  };
  expect(await pragma("journal_mode")).toBe("wal");
  expect(await pragma("synchronous")).toBe(2);
  expect(await pragma("foreign_keys")).toBe(1);
});

test("a full disk fails only writes, and the log has its start and end once", async () => {
  const events: string[] = [];
  const { path } = emptySqlite();
  const database = openSqlite(path, {
    away: (access, cause) => events.push(`${access} away: ${cause instanceof Error ? cause.message : ""}`),
    back: (access) => events.push(`${access} back`),
  });
  onTestFinished(() => database.close());
  await migrate(database);
  const store = createStore(database, createSealer([Buffer.alloc(32, 1)]));
  await addCustomer(store);
  // The limit belongs to the writing connection.
  const allow = (pages: number): Promise<unknown> =>
    database.write((transaction) => sql.raw(`pragma max_page_count = ${pages}`).execute(transaction));
  const enrol = (number: number): Promise<void> =>
    addDevice(store, { deviceKey: `device-${number}`, displayName: "x".repeat(2_000) });
  await enrol(0);
  await allow(1);
  let enrolled = 1;
  const error = await caughtErrorOf(
    (async () => {
      for (;;) {
        await enrol(enrolled);
        enrolled++;
      }
    })(),
  );
  expect(error.reason).toBe("unavailable");
  expect((await caughtErrorOf(enrol(enrolled))).reason).toBe("unavailable");
  expect(await database.ping()).toBe("degraded");
  expect((await store.credentials.find("device-0", NOW)).enrolled).toBe(true);
  await allow(100_000);
  expect(await database.ping()).toBe("degraded");
  await enrol(enrolled);
  expect(await database.ping()).toBe("ok");
  expect(events).toEqual(["write away: database or disk is full", "write back"]);
});
