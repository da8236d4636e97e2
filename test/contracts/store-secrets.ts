// The store's contract for sealed secrets: resealing them, and retiring lost ones.

import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { AuditEntry, AuditEvent, CustomerSecret } from "../../src/core/registry/ports.ts";
import type { SecretStore } from "../../src/core/registry/secrets.ts";
import type { Database } from "../../src/store/database.ts";
import { createSealer, customerKeyContext, NewerSealError, signingKeyContext } from "../../src/store/sealing.ts";
import { createSecretStore } from "../../src/store/secrets.ts";
import type { Store } from "../../src/store/sql.ts";
import { ACTOR, addCustomer, FIRST, keyOf, NOW, type Open, openWithCustomer } from "./store-samples.ts";

const OLD = Buffer.alloc(32, 1);
const CURRENT = Buffer.alloc(32, 2);
/** No gateway has this master key. */
const LOST = Buffer.alloc(32, 3);

const BY = { actor: ACTOR, at: NOW };

async function resealAll({ reseal }: SecretStore): Promise<number> {
  for (let sum = 0; ; ) {
    const { resealed, done } = await reseal(BY);
    sum += resealed;
    if (done) return sum;
  }
}

/** Inserts customer keys that this master key sealed. */
async function insertKeys(
  { db }: Database,
  masterKey: Buffer,
  keyIds: readonly string[],
  draft: Partial<CustomerSecret> = {},
): Promise<void> {
  const { seal } = createSealer([masterKey]);
  const rows = keyIds.map((keyId) => {
    const { customerId, purpose, secret, expiresAt, retiredAt } = keyOf(keyId, draft);
    return {
      key_id: keyId,
      customer_id: customerId,
      purpose,
      sealed_secret: seal(secret, customerKeyContext(customerId, keyId, purpose)),
      not_before: 0,
      expires_at: expiresAt ?? null,
      created_at: NOW,
      retired_at: retiredAt ?? null,
    };
  });
  await db.insertInto("customer_keys").values(rows).execute();
}

const namesOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `key-${String(index).padStart(4, "0")}`);

/** Inserts a signing key whose private half is its kid, sealed with this master key. */
async function insertSigningKey({ db }: Database, masterKey: Buffer, kid: string, state: string): Promise<void> {
  const sealed_private_key = createSealer([masterKey]).seal(Buffer.from(kid), signingKeyContext(kid, "RS256"));
  const row = { kid, alg: "RS256", state, sealed_private_key, public_jwk: "{}", created_at: NOW };
  await db.insertInto("signing_keys").values(row).execute();
}

/** Every sealed secret except the decoy's, as its id and hex, in the order of ids. */
async function readSealed({ db }: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string; sealed: Uint8Array }>`
    select key_id as id, sealed_secret as sealed from customer_keys where key_id <> ''
    union all select kid, sealed_private_key from signing_keys order by id`.execute(db);
  return rows.map(({ id, sealed }) => `${id} ${Buffer.from(sealed).toString("hex")}`);
}

/** The number of customer keys that the store opens; their secrets are unchanged. */
async function countOpened({ customerKeys }: Store): Promise<number> {
  const opened = (await customerKeys.secretsOf("customer-1")).filter(({ secret }) => secret !== undefined);
  for (const { keyId, secret } of opened) expect(String(secret)).toBe(`secret of ${keyId}`);
  return opened.length;
}

/** The events of secrets, the newest first. */
async function eventsOf({ audit }: Store): Promise<readonly AuditEvent[]> {
  return (await audit.list(FIRST)).items.filter(({ resource }) => resource === "secrets");
}

function eventOf(action: string, details: AuditEntry["details"]): AuditEvent {
  return { ...BY, eventId: expect.any(String), action, resource: "secrets", customerId: "", details };
}

export function secretsContract(name: string, open: Open): void {
  /** Opens a store with a customer; `current` has a new master key besides the old one. */
  async function openChanging() {
    const { database, reopen } = await openWithCustomer(open);
    return { database, reopen, current: await reopen([CURRENT, OLD]) };
  }

  describe(`${name}: resealing`, () => {
    test("is done when the first master key has sealed every secret, and then changes nothing", async () => {
      const { database, reopen, current } = await openChanging();
      const { reseal } = current.secrets;
      await insertKeys(database, OLD, namesOf(450));
      await insertSigningKey(database, OLD, "kid-1", "active");
      expect(await reseal(BY)).toEqual({ resealed: 200, unopened: 0, done: false });
      // Another gateway seals meanwhile with the old key. This key sorts before all that were already read.
      await insertKeys(database, OLD, ["a"]);
      expect(await reseal(BY)).toEqual({ resealed: 200, unopened: 0, done: false });
      expect(await reseal(BY)).toEqual({ resealed: 52, unopened: 0, done: true });
      const after = await reopen([CURRENT]);
      expect(await countOpened(after)).toBe(451);
      expect(String((await after.signingKeys.read()).openPrivateKey("kid-1"))).toBe("kid-1");
      const events = [52, 200, 200].map((resealed) => eventOf("ResealSecrets", { resealed }));
      expect(await eventsOf(after)).toEqual(events);
      const stored = await readSealed(database);
      expect(await reseal(BY)).toEqual({ resealed: 0, unopened: 0, done: true });
      expect([await readSealed(database), await eventsOf(after)]).toEqual([stored, events]);
    });

    test("at several gateways at once seals each secret once", async () => {
      const { database, reopen } = await openChanging();
      await insertKeys(database, OLD, namesOf(700));
      const gateways = await Promise.all(Array.from({ length: 3 }, () => reopen([CURRENT, OLD])));
      const counts = await Promise.all(gateways.map(({ secrets }) => resealAll(secrets)));
      expect(counts.reduce((sum, count) => sum + count)).toBe(700);
      expect(await countOpened(await reopen([CURRENT]))).toBe(700);
    });

    test("leaves a secret that changed after it was read", async () => {
      const { database } = await openChanging();
      await insertKeys(database, OLD, namesOf(3));
      const changed = createSealer([OLD]).seal(Buffer.from("x"), customerKeyContext("customer-1", "key-0001", "login"));
      const late: Database = {
        ...database,
        async write(act) {
          const row = database.db.updateTable("customer_keys").set({ sealed_secret: changed });
          await row.where("key_id", "=", "key-0001").execute();
          return database.write(act);
        },
      };
      const { reseal } = createSecretStore(late, createSealer([CURRENT, OLD]));
      expect(await reseal(BY)).toMatchObject({ resealed: 2 });
      expect(await readSealed(database)).toContain(`key-0001 ${changed.toString("hex")}`);
    });

    test("counts secrets that cannot be opened, leaves them, and ends", async () => {
      const { database, current } = await openChanging();
      await insertKeys(database, OLD, namesOf(500));
      // More keys than one call reads. Half of them get another customer's id, with which they no longer open.
      const moved = database.db.updateTable("customer_keys").set({ customer_id: "" }).where("key_id", "<", "key-0250");
      await moved.where("key_id", ">", "").execute();
      await insertKeys(database, LOST, ["z-lost"]);
      await insertKeys(database, LOST, ["z-lost-and-retired"], { retiredAt: NOW });
      const before = await readSealed(database);
      expect(await resealAll(current.secrets)).toBe(250);
      expect(await current.secrets.reseal(BY)).toEqual({ resealed: 0, unopened: 251, done: true });
      const unopened = (secret: string): boolean => secret < "key-0250" || secret.startsWith("z");
      expect((await readSealed(database)).filter(unopened)).toEqual(before.filter(unopened));
    });
  });

  describe(`${name}: a lost master key`, () => {
    test("is found while a secret in use needs it", async () => {
      const { database, reopen } = await openChanging();
      const findLost = async (...masterKeys: Buffer[]) => (await reopen(masterKeys)).secrets.findLost(NOW);
      expect(await findLost(LOST)).toEqual({ customerKeys: 0, signingKeys: 0 });
      await insertKeys(database, CURRENT, ["known"]);
      await insertKeys(database, LOST, ["lost"]);
      await insertKeys(database, LOST, ["lost-too"], { expiresAt: NOW + 1 });
      await insertKeys(database, LOST, ["expired"], { expiresAt: NOW });
      await insertKeys(database, LOST, ["retired"], { retiredAt: NOW - 1 });
      await insertSigningKey(database, LOST, "kid-0", "retired");
      await insertSigningKey(database, CURRENT, "kid-1", "active");
      // The ring replaces a next key that has signed nothing.
      await insertSigningKey(database, LOST, "kid-2", "next");
      expect(await findLost(CURRENT)).toEqual({ customerKeys: 2, signingKeys: 0 });
      await database.db.deleteFrom("signing_keys").execute();
      await insertSigningKey(database, LOST, "kid-3", "active");
      expect(await findLost(CURRENT)).toEqual({ customerKeys: 2, signingKeys: 1 });
      expect(await findLost(CURRENT, LOST)).toEqual({ customerKeys: 0, signingKeys: 0 });
    });

    test("is forgotten: its customer keys are retired, its signing keys retired or deleted, the rest stays", async () => {
      const { database, current } = await openChanging();
      await addCustomer(current, { customerId: "customer-2" });
      await insertKeys(database, CURRENT, ["known"]);
      await insertKeys(database, OLD, ["known-too"]);
      await insertKeys(database, LOST, ["lost"]);
      await insertKeys(database, LOST, ["lost-too"], { customerId: "customer-2" });
      await insertKeys(database, LOST, ["retired"], { retiredAt: 1 });
      await insertSigningKey(database, LOST, "kid-1", "active");
      await insertSigningKey(database, LOST, "kid-2", "next");
      // A new version makes gateways read a customer's keys again.
      const readVersions = () =>
        database.db.selectFrom("customers").where("customer_id", ">", "").select("keys_version").execute();
      const [stored, versions] = [await readSealed(database), await readVersions()];

      const { customerKeys, secrets, signingKeys } = current;
      expect(await secrets.forgetLost(BY)).toEqual({ customerKeys: 2, signingKeys: 2 });
      const keys = [...(await customerKeys.list("customer-1")), ...(await customerKeys.list("customer-2"))];
      expect(keys.map(({ keyId, retiredAt }) => [keyId, retiredAt]).sort()).toEqual([
        ["known", undefined],
        ["known-too", undefined],
        ["lost", NOW],
        ["lost-too", NOW],
        ["retired", 1],
      ]);
      expect((await signingKeys.read()).keys).toMatchObject([{ kid: "kid-1", state: "retired", retiredAt: NOW }]);
      expect(await readSealed(database)).toEqual(stored.filter((secret) => !secret.startsWith("kid-2")));
      const events = [eventOf("ForgetLostSecrets", { customer_keys: 2, signing_keys: 2 })];
      expect(await eventsOf(current)).toEqual(events);
      for (const version of await readVersions()) expect(versions).not.toContainEqual(version);

      // Again: nothing is lost, and nothing is written.
      expect(await secrets.findLost(NOW)).toEqual({ customerKeys: 0, signingKeys: 0 });
      expect(await secrets.forgetLost(BY)).toEqual({ customerKeys: 0, signingKeys: 0 });
      expect(await eventsOf(current)).toEqual(events);
      expect(await secrets.reseal(BY)).toEqual({ resealed: 1, unopened: 0, done: true });
    });

    test("is not assumed for a secret that a newer gateway sealed: nothing is retired", async () => {
      const { database, current } = await openChanging();
      await insertKeys(database, LOST, ["a-lost"]);
      await insertKeys(database, CURRENT, ["newer"]);
      const newer = Buffer.concat([Buffer.of(2), Buffer.alloc(60)]);
      await sql`update customer_keys set sealed_secret = ${newer} where key_id = 'newer'`.execute(database.db);
      await expect(current.secrets.forgetLost(BY)).rejects.toThrow(NewerSealError);
      const retired = database.db.selectFrom("customer_keys").where("retired_at", "is not", null).selectAll();
      expect([await retired.execute(), await eventsOf(current)]).toEqual([[], []]);
    });
  });
}
