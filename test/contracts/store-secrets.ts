// The contract of a SecretStore: sealing anew and letting go, on each database.

import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { AuditEntry } from "../../src/core/registry/ports.ts";
import { createSecrets, LostSecretsError, type SecretStore } from "../../src/core/registry/secrets.ts";
import type { Database } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations.ts";
import { customerKeyContext, signingKeyContext } from "../../src/store/seal-contexts.ts";
import { createSealer, NewerSealError, type Sealer } from "../../src/store/sealing.ts";
import { createSecretStore } from "../../src/store/secrets.ts";
import type { Empty } from "../store/connections.ts";

const NOW = 1_764_000_000_000;
const OLD = Buffer.alloc(32, 1);
const CURRENT = Buffer.alloc(32, 2);
const STRANGER = Buffer.alloc(32, 3);
const ACTOR = { tokenId: "0123abcd", operator: "ann@desk", address: "127.0.0.1", requestId: "request-1" };

const before = createSealer([OLD]);
const between = createSealer([CURRENT, OLD]);
const after = createSealer([CURRENT]);
const stranger = createSealer([STRANGER]);

/** Runs the contract. `openEmpty` makes a database of the test's own. */
export function secretStoreContract(name: string, openEmpty: () => Promise<Empty>): void {
  async function open(): Promise<{ database: Database; connect: Empty["connect"] }> {
    const { connect } = await openEmpty();
    const database = await connect();
    await migrate(database);
    await database.db.insertInto("customers").values(customer("acme")).execute();
    return { database, connect };
  }

  describe(`${name}: sealing anew`, () => {
    test("every secret opens with the first master key alone when it is done, and only then is it done", async () => {
      const { database } = await open();
      await insertKeys(database, before, 450);
      await insertSigningKey(database, before, "kid-1", "active");
      const { reseal } = secretsOn(database, between);

      const calls = [await reseal(ACTOR), await reseal(ACTOR), await reseal(ACTOR)];
      expect(calls).toEqual([
        { resealed: 200, unopened: 0, done: false },
        { resealed: 200, unopened: 0, done: false },
        { resealed: 51, unopened: 0, done: true },
      ]);
      expect(await readAll(database, after)).toHaveLength(451);
      expect(await auditOf(database)).toEqual([200, 200, 51].map((resealed) => resealedEvent({ resealed })));
    });

    test("done again nothing changes, and nothing is told of", async () => {
      const { database } = await open();
      await insertKeys(database, after, 5);
      const stored = await readSealed(database);
      expect(await secretsOn(database, between).reseal(ACTOR)).toEqual({ resealed: 0, unopened: 0, done: true });
      expect(await readSealed(database)).toEqual(stored);
      expect(await auditOf(database)).toEqual([]);
    });

    test("what another gateway sealed behind its back with the old key is found before it is done", async () => {
      const { database } = await open();
      await insertKeys(database, before, 250);
      const { reseal } = secretsOn(database, between);
      expect(await reseal(ACTOR)).toMatchObject({ resealed: 200, done: false });
      // Comes before all that was looked at so far.
      await insertKey(database, before, "a");
      expect(await reseal(ACTOR)).toEqual({ resealed: 51, unopened: 0, done: true });
      await readAll(database, after);
    });

    test("what a process left off another one goes on with", async () => {
      const { database, connect } = await open();
      await insertKeys(database, before, 300);
      await secretsOn(database, between).reseal(ACTOR);
      const { reseal } = secretsOn(await connect(), between);
      expect(await reseal(ACTOR)).toEqual({ resealed: 100, unopened: 0, done: true });
      await readAll(database, after);
    });

    test("of several at once each secret is sealed anew by one", async () => {
      const { database, connect } = await open();
      await insertKeys(database, before, 700);
      const others = await Promise.all([connect(), connect(), connect()]);
      const counts = await Promise.all(others.map((other) => resealAll(secretsOn(other, between))));
      expect(counts.reduce((sum, count) => sum + count)).toBe(700);
      await readAll(database, after);
    });

    test("a secret that changed after it was read stays as it is", async () => {
      const { database } = await open();
      await insertKeys(database, before, 3);
      const changed = before.seal(Buffer.from("other"), customerKeyContext("acme", "key-0001", "login"));
      const late: Database = {
        ...database,
        async write(act) {
          const { db } = database;
          await db
            .updateTable("customer_keys")
            .set({ sealed_secret: changed })
            .where("key_id", "=", "key-0001")
            .execute();
          return database.write(act);
        },
      };
      expect(await secretsOn(late, between).reseal(ACTOR)).toMatchObject({ resealed: 2 });
      expect((await readSealed(database)).get("key-0001")).toEqual(changed);
    });

    test("what does not open is counted and left, and keeps nobody from being done", { timeout: 30_000 }, async () => {
      const { database } = await open();
      await insertKeys(database, before, 500);
      // More than one call looks at: half moved to other rows.
      await database.db
        .updateTable("customer_keys")
        .set({ customer_id: "" })
        .where("key_id", "<", "key-0250")
        .where("key_id", ">", "")
        .execute();
      await insertKey(database, stranger, "z-lost");
      await insertKey(database, stranger, "z-lost-and-retired", { retired_at: NOW });
      const stored = await readSealed(database);
      const secrets = secretsOn(database, between);
      expect(await resealAll(secrets)).toBe(250);
      expect(await secrets.reseal(ACTOR)).toEqual({ resealed: 0, unopened: 251, done: true });
      for (const [id, sealed] of await readSealed(database)) {
        if (id < "key-0250" || id.startsWith("z")) expect([id, sealed]).toEqual([id, stored.get(id)]);
      }
    });
  });

  describe(`${name}: a lost master key`, () => {
    test("is told, for what is still needed", async () => {
      const { database } = await open();
      await insertKey(database, after, "known");
      await insertKey(database, stranger, "lost");
      await insertKey(database, stranger, "lost-too", { expires_at: NOW + 1 });
      await insertKey(database, stranger, "expired", { expires_at: NOW });
      await insertKey(database, stranger, "retired", { retired_at: NOW - 1 });
      await insertSigningKey(database, stranger, "kid-0", "retired");
      await insertSigningKey(database, after, "kid-1", "active");
      const lost = "2 customer keys cannot be opened with the master keys of this gateway";
      await expect(secretsOn(database, after).requireMasterKeys()).rejects.toThrow(lost);
      await insertSigningKey(database, stranger, "kid-2", "next");
      await expect(secretsOn(database, after).requireMasterKeys()).rejects.toThrow(
        new LostSecretsError({ customerKeys: 2, signingKeys: 1 }),
      );
      expect(await secretsOn(database, createSealer([CURRENT, STRANGER])).requireMasterKeys()).toBeUndefined();
    });

    test("is none where every secret has its master key, and where there is no secret", async () => {
      const { database } = await open();
      expect(await secretsOn(database, stranger).requireMasterKeys()).toBeUndefined();
      await insertKeys(database, before, 3);
      await insertSigningKey(database, before, "kid-1", "active");
      expect(await secretsOn(database, between).requireMasterKeys()).toBeUndefined();
    });

    test("forgotten, its customer keys are retired and its signing keys gone, and all else stays", async () => {
      const { database } = await open();
      await database.db.insertInto("customers").values(customer("globex")).execute();
      await insertKey(database, after, "known");
      await insertKey(database, stranger, "lost");
      await insertKey(database, stranger, "lost-too", { customer_id: "globex" });
      await insertKey(database, stranger, "retired", { retired_at: 1 });
      await insertSigningKey(database, stranger, "kid-1", "active");
      await insertSigningKey(database, stranger, "kid-2", "next");
      const stored = await readSealed(database);

      const secrets = secretsOn(database, after);
      expect(await secrets.forgetLost(ACTOR)).toEqual({ customerKeys: 2, signingKeys: 2 });
      const keys = await database.db.selectFrom("customer_keys").select(["key_id", "retired_at"]).execute();
      expect(Object.fromEntries(keys.map(({ key_id, retired_at }) => [key_id, retired_at]))).toEqual({
        "": null,
        known: null,
        lost: NOW,
        "lost-too": NOW,
        retired: 1,
      });
      // Should the master key turn up, they still open.
      expect([...(await readSealed(database))]).toEqual([...stored].filter(([id]) => id !== "kid-2"));
      const signing = await database.db.selectFrom("signing_keys").select(["kid", "state"]).execute();
      expect(signing).toEqual([{ kid: "kid-1", state: "retired" }]);
      expect(await auditOf(database)).toEqual([
        { ...resealedEvent({ customer_keys: 2, signing_keys: 2 }), action: "ForgetLostSecrets" },
      ]);
      expect(await changesOf(database)).toEqual(["customer acme", "customer globex"]);

      expect(await secrets.requireMasterKeys()).toBeUndefined();
      expect(await secrets.reseal(ACTOR)).toEqual({ resealed: 0, unopened: 0, done: true });
    });

    test("forgotten for many customers, every gateway forgets all it knows", { timeout: 30_000 }, async () => {
      const { database } = await open();
      for (let number = 0; number < 101; number++) {
        const customerId = `customer-${number}`;
        await database.db.insertInto("customers").values(customer(customerId)).execute();
        await insertKey(database, stranger, `key-${number}`, { customer_id: customerId });
      }
      await insertKeys(database, stranger, 600);
      expect(await secretsOn(database, after).forgetLost(ACTOR)).toMatchObject({ customerKeys: 701 });
      expect(await changesOf(database)).toEqual(["all"]);
    });

    test("where nothing is lost nothing is forgotten, and nothing told of", async () => {
      const { database } = await open();
      await insertKeys(database, before, 3);
      await insertSigningKey(database, before, "kid-1", "active");
      expect(await secretsOn(database, between).forgetLost(ACTOR)).toEqual({ customerKeys: 0, signingKeys: 0 });
      expect([await auditOf(database), await changesOf(database)]).toEqual([[], []]);
    });

    test("what a newer gateway sealed is not lost: nothing is forgotten at all", async () => {
      const { database } = await open();
      await insertKey(database, stranger, "a-lost");
      await insertKey(database, after, "newer");
      await sql`update customer_keys set sealed_secret = ${Buffer.concat([Buffer.of(2), Buffer.alloc(60)])} where key_id = 'newer'`.execute(
        database.db,
      );
      await expect(secretsOn(database, after).forgetLost(ACTOR)).rejects.toThrow(NewerSealError);
      const lost = await database.db
        .selectFrom("customer_keys")
        .where("retired_at", "is not", null)
        .selectAll()
        .execute();
      expect([lost, await auditOf(database)]).toEqual([[], []]);
    });
  });
}

function secretsOn(database: Database, sealer: Sealer): ReturnType<typeof createSecrets> {
  const secrets: SecretStore = createSecretStore(database, sealer);
  return createSecrets({ secrets, now: () => NOW });
}

async function resealAll(secrets: Pick<ReturnType<typeof createSecrets>, "reseal">): Promise<number> {
  for (let sum = 0; ; ) {
    const { resealed, done } = await secrets.reseal(ACTOR);
    sum += resealed;
    if (done) return sum;
  }
}

function customer(customerId: string): {
  customer_id: string;
  display_name: string;
  status: string;
  created_at: number;
} {
  return { customer_id: customerId, display_name: "", status: "enabled", created_at: NOW };
}

interface KeyColumns {
  readonly customer_id?: string;
  readonly expires_at?: number;
  readonly retired_at?: number;
}

function keyRow(sealer: Sealer, keyId: string, columns: KeyColumns) {
  const row = {
    key_id: keyId,
    customer_id: "acme",
    purpose: "login",
    not_before: 0,
    expires_at: null,
    created_at: NOW,
    retired_at: null,
    ...columns,
  };
  const sealed_secret = sealer.seal(Buffer.from(keyId), customerKeyContext(row.customer_id, keyId, row.purpose));
  return { ...row, sealed_secret };
}

async function insertKey(database: Database, sealer: Sealer, keyId: string, columns: KeyColumns = {}): Promise<void> {
  await database.db
    .insertInto("customer_keys")
    .values(keyRow(sealer, keyId, columns))
    .execute();
}

/** `key-0000` and so on, the secret of each its name. */
async function insertKeys(database: Database, sealer: Sealer, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, number) =>
    keyRow(sealer, `key-${String(number).padStart(4, "0")}`, {}),
  );
  await database.db.insertInto("customer_keys").values(rows).execute();
}

async function insertSigningKey(database: Database, sealer: Sealer, kid: string, state: string): Promise<void> {
  const sealed = sealer.seal(Buffer.from(kid), signingKeyContext(kid, "RS256"));
  await database.db
    .insertInto("signing_keys")
    .values({ kid, alg: "RS256", state, sealed_private_key: sealed, public_jwk: "{}", created_at: NOW })
    .execute();
}

/** Every secret but the decoy's, as it is stored. */
async function readSealed({ db }: Database): Promise<ReadonlyMap<string, Uint8Array>> {
  const keys = await db.selectFrom("customer_keys").where("key_id", ">", "").orderBy("key_id").selectAll().execute();
  const signing = await db.selectFrom("signing_keys").orderBy("kid").selectAll().execute();
  return new Map([
    ...keys.map(({ key_id, sealed_secret }) => [key_id, Buffer.from(sealed_secret)] as const),
    ...signing.map(({ kid, sealed_private_key }) => [kid, Buffer.from(sealed_private_key)] as const),
  ]);
}

/** Opens every secret, each of which is its own name. @returns their names */
async function readAll(database: Database, sealer: Sealer): Promise<readonly string[]> {
  const { db } = database;
  const keys = await db.selectFrom("customer_keys").where("key_id", ">", "").selectAll().execute();
  const signing = await db.selectFrom("signing_keys").selectAll().execute();
  const opened = [
    ...keys.map(({ key_id, customer_id, purpose, sealed_secret }) => [
      key_id,
      sealer.open(sealed_secret, customerKeyContext(customer_id, key_id, purpose)).toString(),
    ]),
    ...signing.map(({ kid, alg, sealed_private_key }) => [
      kid,
      sealer.open(sealed_private_key, signingKeyContext(kid, alg)).toString(),
    ]),
  ];
  return opened.map(([name = "", secret]) => {
    expect(secret).toBe(name);
    return name;
  });
}

/** An event as the audit log is to have it, but for its number. */
function resealedEvent(details: AuditEntry["details"]): AuditEntry {
  return { actor: ACTOR, at: NOW, action: "ResealSecrets", resource: "secrets", customerId: "", details };
}

async function auditOf({ db }: Database): Promise<readonly AuditEntry[]> {
  const rows = await db.selectFrom("audit_events").orderBy("event_id").selectAll().execute();
  return rows.map(({ token_id, operator, address, request_id, at, action, resource, customer_id, details }) => ({
    actor: { tokenId: token_id, operator, address, requestId: request_id },
    at,
    action,
    resource,
    customerId: customer_id,
    details: JSON.parse(details),
  }));
}

async function changesOf({ db }: Database): Promise<readonly string[]> {
  const rows = await db.selectFrom("registry_changes").orderBy("position").select("subject").execute();
  return rows.map(({ subject }) => subject).sort();
}
