// Sealed rows, written past the store, and what is left of them: for the suites of a SecretStore.

import { expect } from "vitest";
import type { AuditEntry } from "../../src/core/registry/ports.ts";
import type { SecretStore } from "../../src/core/registry/secrets.ts";
import { createSecrets } from "../../src/core/registry/secrets.ts";
import type { Database } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations.ts";
import { createSealer, customerKeyContext, type Sealer, signingKeyContext } from "../../src/store/sealing.ts";
import { createSecretStore } from "../../src/store/secrets.ts";
import type { Empty } from "../store/connections.ts";
import { ACTOR, NOW } from "./store-samples.ts";

const OLD = Buffer.alloc(32, 1);
const CURRENT = Buffer.alloc(32, 2);
const STRANGER = Buffer.alloc(32, 3);

/** Sealers with the master keys of before a change, while it goes on, and after; one of none of them; one of all. */
export const before = createSealer([OLD]);
export const between = createSealer([CURRENT, OLD]);
export const after = createSealer([CURRENT]);
export const stranger = createSealer([STRANGER]);
export const both = createSealer([CURRENT, STRANGER]);

/** A database with the customer acme, and further connections to it. */
export async function openAcme({ connect }: Empty): Promise<{ database: Database; connect: Empty["connect"] }> {
  const database = await connect();
  await migrate(database);
  await insertCustomer(database, "acme");
  return { database, connect };
}

/** The use-cases over the store. */
export function secretsOn(database: Database, sealer: Sealer): ReturnType<typeof createSecrets> {
  const secrets: SecretStore = createSecretStore(database, sealer);
  return createSecrets({ secrets, now: () => NOW });
}

export async function resealAll(secrets: Pick<ReturnType<typeof createSecrets>, "reseal">): Promise<number> {
  for (let sum = 0; ; ) {
    const { resealed, done } = await secrets.reseal(ACTOR);
    sum += resealed;
    if (done) return sum;
  }
}

export async function insertCustomer({ db }: Database, customerId: string): Promise<void> {
  await db
    .insertInto("customers")
    .values({
      customer_id: customerId,
      display_name: "",
      status: "enabled",
      login_limit: "",
      keys_version: "v1",
      tokens_not_before: 0,
      created_at: NOW,
      updated_at: NOW,
      revision: 1,
    })
    .execute();
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

export async function insertKey(
  database: Database,
  sealer: Sealer,
  keyId: string,
  columns: KeyColumns = {},
): Promise<void> {
  await database.db
    .insertInto("customer_keys")
    .values(keyRow(sealer, keyId, columns))
    .execute();
}

/** `key-0000` and so on, the secret of each its name. */
export async function insertKeys(database: Database, sealer: Sealer, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, number) =>
    keyRow(sealer, `key-${String(number).padStart(4, "0")}`, {}),
  );
  await database.db.insertInto("customer_keys").values(rows).execute();
}

export async function insertSigningKey(database: Database, sealer: Sealer, kid: string, state: string): Promise<void> {
  const sealed = sealer.seal(Buffer.from(kid), signingKeyContext(kid, "RS256"));
  await database.db
    .insertInto("signing_keys")
    .values({
      kid,
      alg: "RS256",
      state,
      sealed_private_key: sealed,
      public_jwk: "{}",
      created_at: NOW,
    })
    .execute();
}

/** Every secret but the decoy's, as it is stored. */
export async function readSealed({ db }: Database): Promise<ReadonlyMap<string, Uint8Array>> {
  const keys = await db.selectFrom("customer_keys").where("key_id", ">", "").orderBy("key_id").selectAll().execute();
  const signing = await db.selectFrom("signing_keys").orderBy("kid").selectAll().execute();
  return new Map([
    ...keys.map(({ key_id, sealed_secret }) => [key_id, Buffer.from(sealed_secret)] as const),
    ...signing.map(({ kid, sealed_private_key }) => [kid, Buffer.from(sealed_private_key)] as const),
  ]);
}

/** Opens every secret, each of which is its own name. @returns their names */
export async function readAll(database: Database, sealer: Sealer): Promise<readonly string[]> {
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
export function resealedEvent(details: AuditEntry["details"]): AuditEntry {
  return { actor: ACTOR, at: NOW, action: "ResealSecrets", resource: "secrets", customerId: "", details };
}

export async function auditOf({ db }: Database): Promise<readonly AuditEntry[]> {
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

/** The customers whose keys gateways have to read anew, since `insertCustomer`. */
export async function changedOf({ db }: Database): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("customers")
    .where("customer_id", ">", "")
    .where("keys_version", "<>", "v1")
    .orderBy("customer_id")
    .select("customer_id")
    .execute();
  return rows.map(({ customer_id }) => customer_id);
}
