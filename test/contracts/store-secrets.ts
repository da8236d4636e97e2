// The contract of a SecretStore on each database: resealing, and retiring lost secrets.

import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { AuditEntry, CustomerSecret } from "../../src/core/registry/ports.ts";
import { LostSecretsError, requireMasterKeys, type SecretStore } from "../../src/core/registry/secrets.ts";
import type { Database } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations.ts";
import {
  createSealer,
  customerKeyContext,
  NewerSealError,
  type Sealer,
  signingKeyContext,
} from "../../src/store/sealing.ts";
import { createSecretStore } from "../../src/store/secrets.ts";
import { createStore } from "../../src/store/sql.ts";
import type { Empty } from "../store/connections.ts";
import { ACTOR, addCustomer, entryOf, FIRST, keyOf, NOW } from "./store-samples.ts";

const OLD = Buffer.alloc(32, 1);
const CURRENT = Buffer.alloc(32, 2);
const STRANGER = Buffer.alloc(32, 3);

/** Sealers with the master keys before, during and after a change of keys; one with only a stranger's key, one with the current and the stranger's. */
const before = createSealer([OLD]);
const between = createSealer([CURRENT, OLD]);
const after = createSealer([CURRENT]);
const stranger = createSealer([STRANGER]);
const both = createSealer([CURRENT, STRANGER]);

const NOTHING = { resealed: 0, unopened: 0, done: true };

const BY = { actor: ACTOR, at: NOW };

async function resealAll({ reseal }: SecretStore): Promise<number> {
  for (let sum = 0; ; ) {
    const { resealed, done } = await reseal(BY);
    sum += resealed;
    if (done) return sum;
  }
}

async function insertKeys(
  { db }: Database,
  sealer: Sealer,
  keyIds: readonly string[],
  draft: Partial<CustomerSecret> = {},
): Promise<void> {
  const rows = keyIds.map((keyId) => {
    const { customerId, purpose, secret, expiresAt, retiredAt } = keyOf(keyId, draft);
    return {
      key_id: keyId,
      customer_id: customerId,
      purpose,
      sealed_secret: sealer.seal(secret, customerKeyContext(customerId, keyId, purpose)),
      not_before: 0,
      expires_at: expiresAt ?? null,
      created_at: NOW,
      retired_at: retiredAt ?? null,
    };
  });
  await db.insertInto("customer_keys").values(rows).execute();
}

function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `key-${String(index).padStart(4, "0")}`);
}

async function insertSigningKey({ db }: Database, sealer: Sealer, kid: string, state: string): Promise<void> {
  const sealed_private_key = sealer.seal(Buffer.from(kid), signingKeyContext(kid, "RS256"));
  const row = { kid, alg: "RS256", state, sealed_private_key, public_jwk: "{}", created_at: NOW };
  await db.insertInto("signing_keys").values(row).execute();
}

/** Every stored secret except the decoy's. */
async function readSealed({ db }: Database): Promise<ReadonlyMap<string, string>> {
  const keys = await db.selectFrom("customer_keys").where("key_id", ">", "").orderBy("key_id").selectAll().execute();
  const signing = await db.selectFrom("signing_keys").orderBy("kid").selectAll().execute();
  return new Map([
    ...keys.map(({ key_id, sealed_secret }) => [key_id, Buffer.from(sealed_secret).toString("hex")] as const),
    ...signing.map(({ kid, sealed_private_key }) => [kid, Buffer.from(sealed_private_key).toString("hex")] as const),
  ]);
}

/** Opens every customer key and compares its secret. @returns how many there are */
async function countOpened(database: Database, sealer: Sealer): Promise<number> {
  const keys = await createStore(database, sealer).customerKeys.secretsOf("customer-1");
  for (const { keyId, secret } of keys) expect(String(secret)).toBe(`secret of ${keyId}`);
  return keys.length;
}

/** The audit log without the customers' creation, the oldest first. */
async function auditOf(database: Database): Promise<readonly AuditEntry[]> {
  const { items } = await createStore(database, after).audit.list(FIRST);
  const entries = items.map(({ eventId: _, ...entry }) => entry).reverse();
  return entries.filter(({ action }) => action !== "CreateCustomer");
}

function secretsEntry(action: string, details: AuditEntry["details"]): AuditEntry {
  return entryOf(action, { resource: "secrets", customerId: "", details });
}

/** The keys_version of each customer; a change makes gateways read its keys again. */
async function keysVersions({ db }: Database): Promise<readonly string[]> {
  const rows = db.selectFrom("customers").where("customer_id", ">", "").orderBy("customer_id").select("keys_version");
  return (await rows.execute()).map(({ keys_version }) => keys_version);
}

/** Runs the contract. `openEmpty` makes a database of the test's own. */
export function secretsContract(name: string, openEmpty: () => Promise<Empty>): void {
  async function open(): Promise<{ readonly database: Database; readonly connect: Empty["connect"] }> {
    const { connect } = await openEmpty();
    const database = await connect();
    await migrate(database);
    await addCustomer(createStore(database, after));
    return { database, connect };
  }

  describe(`${name}: resealing`, () => {
    test("is done once the first master key opens every secret, and then changes nothing", async () => {
      const { database } = await open();
      await insertKeys(database, before, names(450));
      await insertSigningKey(database, before, "kid-1", "active");
      const { reseal } = createSecretStore(database, between);
      const calls = [await reseal(BY), await reseal(BY), await reseal(BY)];
      expect(calls).toEqual([
        { resealed: 200, unopened: 0, done: false },
        { resealed: 200, unopened: 0, done: false },
        { resealed: 51, unopened: 0, done: true },
      ]);
      expect(await countOpened(database, after)).toBe(450);
      const { openPrivateKey } = await createStore(database, after).signingKeys.read();
      expect(String(openPrivateKey("kid-1"))).toBe("kid-1");
      const audit = [200, 200, 51].map((resealed) => secretsEntry("ResealSecrets", { resealed }));
      expect(await auditOf(database)).toEqual(audit);
      const stored = await readSealed(database);
      expect(await reseal(BY)).toEqual(NOTHING);
      expect([await readSealed(database), await auditOf(database)]).toEqual([stored, audit]);
    });

    test("finds a secret that another gateway seals meanwhile with the old key", async () => {
      const { database } = await open();
      await insertKeys(database, before, names(250));
      const { reseal } = createSecretStore(database, between);
      expect(await reseal(BY)).toMatchObject({ resealed: 200, done: false });
      // Sorts before all keys that were already read.
      await insertKeys(database, before, ["a"]);
      expect(await reseal(BY)).toEqual({ resealed: 51, unopened: 0, done: true });
      await countOpened(database, after);
    });

    test("at several gateways at once seals each secret once", async () => {
      const { database, connect } = await open();
      await insertKeys(database, before, names(700));
      const others = await Promise.all([connect(), connect(), connect()]);
      const counts = await Promise.all(others.map((other) => resealAll(createSecretStore(other, between))));
      expect(counts.reduce((sum, count) => sum + count)).toBe(700);
      await countOpened(database, after);
    });

    test("leaves a secret that changed after it was read", async () => {
      const { database } = await open();
      await insertKeys(database, before, names(3));
      const changed = before.seal(Buffer.from("other"), customerKeyContext("customer-1", "key-0001", "login"));
      const late: Database = {
        ...database,
        async write(act) {
          const row = database.db.updateTable("customer_keys").set({ sealed_secret: changed });
          await row.where("key_id", "=", "key-0001").execute();
          return database.write(act);
        },
      };
      expect(await createSecretStore(late, between).reseal(BY)).toMatchObject({ resealed: 2 });
      expect((await readSealed(database)).get("key-0001")).toBe(changed.toString("hex"));
    });

    test("counts secrets that cannot be opened, leaves them, and ends", async () => {
      const { database } = await open();
      await insertKeys(database, before, names(500));
      // More keys than one call reads. Half of them get another customer's id, with which they no longer open.
      const moved = database.db.updateTable("customer_keys").set({ customer_id: "" }).where("key_id", "<", "key-0250");
      await moved.where("key_id", ">", "").execute();
      await insertKeys(database, stranger, ["z-lost"]);
      await insertKeys(database, stranger, ["z-lost-and-retired"], { retiredAt: NOW });
      const stored = await readSealed(database);
      const secrets = createSecretStore(database, between);
      expect(await resealAll(secrets)).toBe(250);
      expect(await secrets.reseal(BY)).toEqual({ ...NOTHING, unopened: 251 });
      for (const [id, sealed] of await readSealed(database)) {
        if (id < "key-0250" || id.startsWith("z")) expect([id, sealed]).toEqual([id, stored.get(id)]);
      }
    });
  });

  describe(`${name}: a lost master key`, () => {
    test("stops the start while a secret needs it", async () => {
      const { database } = await open();
      const lost = (customerKeys: number, signingKeys: number) => new LostSecretsError({ customerKeys, signingKeys });
      expect(await requireMasterKeys(createSecretStore(database, stranger), NOW)).toBeUndefined();
      await insertKeys(database, after, ["known"]);
      await insertKeys(database, stranger, ["lost"]);
      await insertKeys(database, stranger, ["lost-too"], { expiresAt: NOW + 1 });
      await insertKeys(database, stranger, ["expired"], { expiresAt: NOW });
      await insertKeys(database, stranger, ["retired"], { retiredAt: NOW - 1 });
      await insertSigningKey(database, stranger, "kid-0", "retired");
      await insertSigningKey(database, after, "kid-1", "active");
      // The ring replaces a next key that has signed nothing.
      await insertSigningKey(database, stranger, "kid-2", "next");
      await expect(requireMasterKeys(createSecretStore(database, after), NOW)).rejects.toThrow(lost(2, 0));
      await database.db.deleteFrom("signing_keys").execute();
      await insertSigningKey(database, stranger, "kid-3", "active");
      await expect(requireMasterKeys(createSecretStore(database, after), NOW)).rejects.toThrow(lost(2, 1));
      expect(await requireMasterKeys(createSecretStore(database, both), NOW)).toBeUndefined();
    });

    test("is forgotten: its customer keys are retired, its signing keys retired or deleted, the rest stays", async () => {
      const { database } = await open();
      await addCustomer(createStore(database, after), { customerId: "customer-2" });
      await insertKeys(database, after, ["known"]);
      await insertKeys(database, before, ["known-too"]);
      await insertKeys(database, stranger, ["lost"]);
      await insertKeys(database, stranger, ["lost-too"], { customerId: "customer-2" });
      await insertKeys(database, stranger, ["retired"], { retiredAt: 1 });
      await insertSigningKey(database, stranger, "kid-1", "active");
      await insertSigningKey(database, stranger, "kid-2", "next");
      const [stored, versions] = [await readSealed(database), await keysVersions(database)];

      const secrets = createSecretStore(database, between);
      expect(await secrets.forgetLost(BY)).toEqual({ customerKeys: 2, signingKeys: 2 });
      const real = database.db.selectFrom("customer_keys").where("key_id", ">", "").orderBy("key_id");
      const keys = await real.select(["key_id", "retired_at"]).execute();
      expect(keys.map(({ key_id, retired_at }) => [key_id, retired_at])).toEqual([
        ["known", null],
        ["known-too", null],
        ["lost", NOW],
        ["lost-too", NOW],
        ["retired", 1],
      ]);
      expect([...(await readSealed(database))]).toEqual([...stored].filter(([id]) => id !== "kid-2"));
      const signing = await database.db.selectFrom("signing_keys").select(["kid", "state", "retired_at"]).execute();
      expect(signing).toEqual([{ kid: "kid-1", state: "retired", retired_at: NOW }]);
      const details = { customer_keys: 2, signing_keys: 2 };
      expect(await auditOf(database)).toEqual([secretsEntry("ForgetLostSecrets", details)]);
      const changed = (await keysVersions(database)).filter((version) => !versions.includes(version));
      expect(changed).toHaveLength(2);

      // Again: nothing is lost, and nothing is written.
      expect(await requireMasterKeys(secrets, NOW)).toBeUndefined();
      expect(await secrets.forgetLost(BY)).toEqual({ customerKeys: 0, signingKeys: 0 });
      expect(await auditOf(database)).toHaveLength(1);
      expect(await secrets.reseal(BY)).toEqual({ ...NOTHING, resealed: 1 });
    });

    test("is not assumed for a secret that a newer gateway sealed: nothing is retired", async () => {
      const { database } = await open();
      await insertKeys(database, stranger, ["a-lost"]);
      await insertKeys(database, after, ["newer"]);
      const newer = Buffer.concat([Buffer.of(2), Buffer.alloc(60)]);
      await sql`update customer_keys set sealed_secret = ${newer} where key_id = 'newer'`.execute(database.db);
      await expect(createSecretStore(database, after).forgetLost(BY)).rejects.toThrow(NewerSealError);
      const retired = database.db.selectFrom("customer_keys").where("retired_at", "is not", null).selectAll();
      expect([await retired.execute(), await auditOf(database)]).toEqual([[], []]);
    });
  });
}
