// SQLite fulfils the contracts of a store and keeps its secrets sealed.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { migrate } from "../../src/store/migrations.ts";
import { createSealer, SealError } from "../../src/store/sealing.ts";
import { createStore } from "../../src/store/sql.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { storeContract } from "../contracts/store.ts";
import { addCustomer, addDevice, addKey, NOW } from "../contracts/store-samples.ts";
import { secretsContract } from "../contracts/store-secrets.ts";
import { caughtErrorOf } from "../core/caught-error.ts";
import { activePrivateKey, openRing } from "../keyring/ring.ts";
import { emptySqlite, openDatabase } from "./database.ts";
import { migrationsContract } from "./migrations-contract.ts";

storeContract("SQLite", openDatabase);
secretsContract("SQLite", openDatabase);
migrationsContract("SQLite", async () => emptySqlite());

const SECRET = "a secret that must not be on the disk";

/** A store with three customers, a key and a device each, and a key ring. */
async function openFilled() {
  const opened = await openDatabase();
  const { store } = opened;
  for (const number of [1, 2, 3]) {
    const customerId = `customer-${number}`;
    await addCustomer(store, { customerId });
    await addKey(store, `key-${number}`, { customerId, secret: Buffer.from(`${SECRET} ${number}`) });
    await addDevice(store, { deviceKey: `device-${number}`, customerId });
  }
  await openRing(store.signingKeys, { alg: "RS256" });
  return opened;
}

test("no file holds a customer key, as text, hex or base64, or the private signing key", async () => {
  const { folder, store } = await openFilled();
  const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
  // The search works: it finds a value that is stored unsealed.
  expect(bytes.includes("customer-1")).toBe(true);
  for (const coding of ["utf8", "hex", "base64"] as const) {
    expect(bytes.includes(Buffer.from(SECRET).toString(coding).slice(0, 40))).toBe(false);
  }
  const der = await activePrivateKey(store.signingKeys);
  expect(der.length).toBeGreaterThan(1_000);
  // From the middle on: the secret exponent and the primes come after the public modulus.
  for (let at = 320; at + 16 < der.length; at += 16) expect(bytes.includes(der.subarray(at, at + 16))).toBe(false);
});

test("the files are readable by their owner only", async () => {
  const { folder } = await openFilled();
  const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
  expect(modes.length).toBeGreaterThan(1);
  expect(new Set(modes)).toEqual(new Set([0o600]));
});

describe("a secret is bound to its row", () => {
  const altered = (name: string): SealError =>
    new SealError(`the sealed secret of ${name} was altered or moved to another row. Restore it from a backup`);

  test.for([
    [
      "sealed_secret = (select sealed_secret from customer_keys where key_id = 'key-2') where key_id = 'key-1'",
      "customer-1 key-1 login",
    ],
    ["customer_id = 'customer-1' where key_id = 'key-2'", "customer-1 key-2 login"],
    ["key_id = 'key-4' where key_id = 'key-1'", "customer-1 key-4 login"],
    ["purpose = 'derivation' where key_id = 'key-1'", "customer-1 key-1 derivation"],
  ] as const)("set %s: its customer's logins are unavailable, and one fault names it", async ([change, name]) => {
    const { database, store, faults } = await openFilled();
    await sql.raw(`update customer_keys set ${change}`).execute(database.db);
    for (let logins = 0; logins < 3; logins++) {
      expect((await caughtErrorOf(store.credentials.find("device-1", NOW))).reason).toBe("unavailable");
    }
    expect(faults).toEqual([altered(`customer_key ${name}`)]);
    expect((await store.credentials.find("device-3", NOW)).loginKeys).toMatchObject([{ keyId: "key-3" }]);
    // A token check needs no key.
    expect(await store.credentials.findStanding("device-1", "t-1")).toMatchObject({ enabled: true });
  });

  test("a signing key under another kid cannot be unsealed", async () => {
    const { database, store } = await openFilled();
    await sql`update signing_keys set kid = 'other' where state = 'active'`.execute(database.db);
    await expect(activePrivateKey(store.signingKeys)).rejects.toThrow(altered("signing_key other RS256"));
  });

  test("a ring without its master key opens, signs nothing and names the key", async () => {
    const { store, reopen } = await openFilled();
    const stranger = await reopen([Buffer.alloc(32, 2)]);
    const faults: unknown[] = [];
    const ring = await openRing(stranger.signingKeys, { onFault: (error) => faults.push(String(error)) });
    const { keys } = await store.signingKeys.read();
    const name = `signing_key ${keys.find(({ state }) => state === "active")?.kid} RS256`;
    const fault = expect.stringContaining(`the sealed secret of ${name} is sealed with another master key`);
    expect([ring.active(), faults]).toEqual([undefined, [fault]]);
  });
});

test("the connection uses WAL, syncs every commit and enforces foreign keys", async () => {
  const { db } = await emptySqlite().connect();
  for (const [name, value] of Object.entries({ journal_mode: "wal", synchronous: 2, foreign_keys: 1 })) {
    const { rows } = await sql`pragma ${sql.raw(name)}`.execute(db);
    expect(rows).toEqual([{ [name]: value }]);
  }
});

test("a full disk fails only writes, and the log has its start and end once", async () => {
  const events: string[] = [];
  const database = openSqlite(emptySqlite().path, {
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
  let enrolled = 0;
  const enrol = async (): Promise<void> => {
    await addDevice(store, { deviceKey: `device-${enrolled}`, displayName: "x".repeat(2_000) });
    enrolled++;
  };
  await enrol();
  await allow(1);
  const fillDisk = async (): Promise<void> => {
    for (;;) await enrol();
  };
  for (let time = 0; time < 2; time++) expect((await caughtErrorOf(fillDisk())).reason).toBe("unavailable");
  expect(await database.ping()).toBe("degraded");
  expect((await store.credentials.find("device-0", NOW)).enrolled).toBe(true);
  await allow(100_000);
  expect(await database.ping()).toBe("degraded");
  await enrol();
  expect(await database.ping()).toBe("ok");
  expect(events).toEqual(["write away: database or disk is full", "write back"]);
});
