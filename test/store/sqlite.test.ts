// SQLite against the contract of a store, and what is on the disk.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import type { CustomerKey } from "../../src/core/ports.ts";
import { openKeyRing } from "../../src/core/tokens/keyring.ts";
import { migrate } from "../../src/store/migrations.ts";
import { SealError } from "../../src/store/sealing.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { storeContract } from "../contracts/store.ts";
import { openDatabase, type TestDatabase } from "./database.ts";

storeContract("SQLite", openDatabase);

const NOW = 1_764_000_000_000;
const SECRET = "a secret that must not be on the disk";
const MOVED = "a sealed secret was altered or moved to another row. Restore it from a backup";

/** A database with two customers, a key and a device each. */
async function openFilled(): Promise<TestDatabase> {
  const opened = await openDatabase();
  for (const number of [1, 2]) {
    const customerId = `customer-${number}`;
    await opened.store.insertCustomer({ customerId, displayName: "", status: "enabled" }, NOW);
    const key = { keyId: `key-${number}`, customerId, purpose: "login", createdAt: NOW } as const;
    const secret = Buffer.from(`${SECRET} ${number}`);
    await opened.store.insertCustomerKey({ ...key, secret } satisfies CustomerKey);
    await opened.store.insertDevice(
      {
        deviceKey: `device-${number}`,
        customerId,
        displayName: "",
        status: "enabled",
        keyMode: "shared",
        sharedIdentity: false,
        replayGuard: false,
      },
      NOW,
    );
  }
  return opened;
}

function alter({ path }: Pick<TestDatabase, "path">, sql: string): void {
  const raw = new DatabaseSync(path);
  raw.exec(sql);
  raw.close();
}

describe("what is on the disk", () => {
  test("no file holds a customer key, as text, hex or base64", async () => {
    const { folder } = await openFilled();
    const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
    // The search is able to find: this is stored in the clear.
    expect(bytes.includes("customer-1")).toBe(true);
    for (const coding of ["utf8", "hex", "base64"] as const) {
      expect(bytes.includes(Buffer.from(SECRET).toString(coding).slice(0, 40))).toBe(false);
    }
  });

  test("no file holds the private signing key", async () => {
    const { folder, store } = await openFilled();
    await openKeyRing(store, "RS256", NOW);
    const key = await store.active();
    const der = Buffer.from(key?.privateKey ?? []);
    expect(der.length).toBeGreaterThan(1_000);
    const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
    // From the middle, where the secret exponent and the primes are, past the public modulus.
    for (let at = 320; at + 16 < der.length; at += 16) expect(bytes.includes(der.subarray(at, at + 16))).toBe(false);
  });

  test.for([
    {
      column: "sealed_secret",
      sql: "update customer_keys set sealed_secret = (select sealed_secret from customer_keys where key_id = 'key-2') where key_id = 'key-1'",
    },
    {
      column: "customer_id",
      sql: "delete from customer_keys where key_id = 'key-1'; update customer_keys set customer_id = 'customer-1' where key_id = 'key-2'",
    },
    { column: "key_id", sql: "update customer_keys set key_id = 'key-3' where key_id = 'key-1'" },
    {
      column: "purpose",
      sql: "update customer_keys set purpose = 'derivation'; update devices set key_mode = 'derived'",
    },
  ])("a key whose $column was changed behind the gateway's back does not open", async ({ sql }) => {
    const opened = await openFilled();
    alter(opened, sql);
    await expect(opened.store.find("device-1", NOW)).rejects.toThrow(new SealError(MOVED));
  });

  test("a key that does not open leaves the customer's others good, and is told of", async () => {
    const opened = await openFilled();
    alter(opened, "update customer_keys set customer_id = 'customer-1' where key_id = 'key-2'");
    const credential = await opened.store.find("device-1", NOW);
    expect(credential?.keys.map(({ keyId }) => keyId)).toEqual(["key-1"]);
    expect(opened.faults).toEqual([new SealError(MOVED)]);
  });

  test("a signing key under another kid does not open", async () => {
    const opened = await openFilled();
    await openKeyRing(opened.store, "RS256", NOW);
    alter(opened, "update signing_keys set kid = 'other'");
    await expect(opened.store.active()).rejects.toThrow(new SealError(MOVED));
  });

  test("a wrong master key is told as such, with its cure", async () => {
    const opened = await openFilled();
    await openKeyRing(opened.store, "RS256", NOW);
    const stranger = await opened.reopen(Buffer.alloc(32, 2));
    const told = new SealError(
      "a secret was sealed with another master key. Set COUNTERSIGN_MASTER_KEY to the one that this database was made with",
    );
    await expect(stranger.find("device-1", NOW)).rejects.toThrow(told);
    await expect(stranger.active()).rejects.toThrow(told);
    await expect(openKeyRing(stranger, "RS256", NOW)).rejects.toThrow(told);
  });
});

describe("the connection", () => {
  test("writes ahead, flushes fully and holds foreign keys", async () => {
    const { path } = await openDatabase();
    const db = openSqlite(path);
    const pragma = async (name: string): Promise<unknown> => {
      const { rows } = await db.executeQuery({ ...db.selectFrom("customers").compile(), sql: `pragma ${name}` });
      return Object.values(rows[0] ?? {})[0];
    };
    expect(await pragma("journal_mode")).toBe("wal");
    expect(await pragma("synchronous")).toBe(2);
    expect(await pragma("foreign_keys")).toBe(1);
    await db.destroy();
  });

  test("a migration that fails leaves nothing behind, and can be run again", async () => {
    const { folder } = await openDatabase();
    const path = join(folder, "half.db");
    const exec = (sql: string): void => alter({ path }, sql);
    exec("create table signing_keys (in_the_way integer)");
    const db = openSqlite(path);
    await expect(migrate(db)).rejects.toThrow('table "signing_keys" already exists');
    const tables = await db.introspection.getTables();
    expect(tables.map(({ name }) => name)).toEqual(["signing_keys"]);
    exec("drop table signing_keys");
    await migrate(db);
    expect(await db.selectFrom("customers").selectAll().execute()).toEqual([]);
    await db.destroy();
  });

  test("the schema refuses a second active signing key, whoever writes it", async () => {
    const opened = await openFilled();
    await openKeyRing(opened.store, "RS256", NOW);
    expect(() =>
      alter(
        opened,
        "insert into signing_keys select 'second', alg, state, sealed_private_key, public_jwk, created_at from signing_keys",
      ),
    ).toThrow("UNIQUE constraint failed");
  });
});
