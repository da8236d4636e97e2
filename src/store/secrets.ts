// The queries of sealed secrets: resealing, and retiring lost ones.

import { setImmediate as letOthersGo } from "node:timers/promises";
import { type Kysely, sql, type Transaction } from "kysely";
import type { SecretStore } from "../core/registry/secrets.ts";
import type { Database } from "./database.ts";
import { insertAuditEvents } from "./registry/audit.ts";
import { changeKeysVersion } from "./registry/customers.ts";
import type { Schema } from "./schema.ts";
import { customerKeyContext, opens, SEALED_KEY_ID, SealError, type Sealer, signingKeyContext } from "./sealing.ts";

/** Most secrets that one call reseals: with SQLite, logins wait for a few milliseconds. */
const BATCH = 200;
const PAGE = 100;
const SECRETS = { resource: "secrets", customerId: "" };

/** The id of the master key that a customer key is sealed with. */
const SEALED_WITH = sql<Uint8Array>`substr(sealed_secret, ${sql.lit(SEALED_KEY_ID.from)}, ${sql.lit(SEALED_KEY_ID.bytes)})`;

interface SealedSecret {
  readonly table: "customer_keys" | "signing_keys";
  readonly id: string;
  /** Empty for a signing key. */
  readonly customerId: string;
  readonly state: string;
  readonly context: readonly string[];
  readonly bytes: Uint8Array;
  /** Whether the secret is in use, or will be. */
  readonly isNeeded: boolean;
}

/** The secrets of one database, under the sealer's master keys. */
export function createSecretStore(database: Database, sealer: Sealer): SecretStore {
  const { read, write } = database;
  const isLost = ({ bytes, context }: SealedSecret): boolean => !opens(sealer, bytes, context);

  async function* readSealedOtherwise(): AsyncGenerator<SealedSecret> {
    yield* (await read(readSigningKeys)).filter(({ bytes }) => !sealer.sealedWithFirst(bytes));
    const isOther = sql<boolean>`${SEALED_WITH} <> ${sealer.keyIds[0]}`;
    yield* readCustomerKeys(read, (query) => query.where(isOther));
  }

  return {
    async reseal(stamp) {
      const found: { readonly secret: SealedSecret; readonly next: Uint8Array }[] = [];
      let unopened = 0;
      let done = true;
      for await (const secret of readSealedOtherwise()) {
        if (found.length >= BATCH) {
          done = false;
          break;
        }
        const next = reseal(sealer, secret);
        if (next !== undefined) found.push({ secret, next });
        else if (secret.isNeeded) unopened++;
      }
      const resealed = await write(async (transaction) => {
        let written = 0;
        for (const { secret, next } of found) written += await replace(transaction, secret, next);
        const entry = { ...stamp, action: "ResealSecrets", ...SECRETS, details: { resealed: written } };
        if (written > 0) await insertAuditEvents(transaction, entry);
        return written;
      });
      return { resealed, unopened, done };
    },

    async findLost(now) {
      const signing = await read(readSigningKeys);
      // Checks only the id of the master key: opening every secret would delay the start.
      const { count } = await read((db) =>
        db
          .selectFrom("customer_keys")
          .select(({ fn }) => fn.countAll<number>().as("count"))
          .where("retired_at", "is", null)
          .where(({ or, eb }) => or([eb("expires_at", "is", null), eb("expires_at", ">", now)]))
          .where(SEALED_WITH, "not in", [...sealer.keyIds])
          .executeTakeFirstOrThrow(),
      );
      // A next key has signed nothing yet, and the ring makes another one.
      return {
        signingKeys: signing.filter((key) => key.state === "active" && isLost(key)).length,
        customerKeys: count,
      };
    },

    forgetLost: (stamp) =>
      write(async (transaction) => {
        const signing = (await readSigningKeys(transaction)).filter((key) => key.isNeeded && isLost(key));
        for (const key of signing) await retireSigningKey(transaction, key, stamp.at);
        let customerKeys = 0;
        const ask = <Result>(act: (db: Kysely<Schema>) => Promise<Result>) => act(transaction);
        for await (const key of readCustomerKeys(ask, (query) => query.where("retired_at", "is", null))) {
          if (!isLost(key)) continue;
          customerKeys++;
          const retired = { retired_at: stamp.at };
          await transaction.updateTable("customer_keys").set(retired).where("key_id", "=", key.id).execute();
          await changeKeysVersion(transaction, key.customerId);
        }
        const lost = { customerKeys, signingKeys: signing.length };
        const details = { customer_keys: customerKeys, signing_keys: signing.length };
        const entry = { ...stamp, action: "ForgetLostSecrets", ...SECRETS, details };
        if (customerKeys + signing.length > 0) await insertAuditEvents(transaction, entry);
        return lost;
      }),
  };
}

async function readSigningKeys(db: Kysely<Schema>): Promise<readonly SealedSecret[]> {
  const rows = await db.selectFrom("signing_keys").select(["kid", "alg", "state", "sealed_private_key"]).execute();
  return rows.map(({ kid, alg, state, sealed_private_key }) => ({
    table: "signing_keys",
    id: kid,
    customerId: "",
    state,
    context: signingKeyContext(kid, alg),
    bytes: sealed_private_key,
    isNeeded: state === "active" || state === "next",
  }));
}

function selectCustomerKeys(db: Kysely<Schema>) {
  const columns = ["key_id", "customer_id", "purpose", "sealed_secret", "retired_at"] as const;
  return db.selectFrom("customer_keys").select(columns).orderBy("key_id").limit(PAGE);
}

type KeyQuery = ReturnType<typeof selectCustomerKeys>;

/** Reads the customer keys that `narrow` selects, page by page. */
async function* readCustomerKeys(
  ask: <Result>(act: (db: Kysely<Schema>) => Promise<Result>) => Promise<Result>,
  narrow: (query: KeyQuery) => KeyQuery,
): AsyncGenerator<SealedSecret> {
  for (let after = ""; ; await letOthersGo()) {
    const from = after;
    const rows = await ask((db) => narrow(selectCustomerKeys(db)).where("key_id", ">", from).execute());
    for (const { key_id, customer_id, purpose, sealed_secret, retired_at } of rows) {
      after = key_id;
      const context = customerKeyContext(customer_id, key_id, purpose);
      const row = { table: "customer_keys", id: key_id, customerId: customer_id, state: "" } as const;
      yield { ...row, context, bytes: sealed_secret, isNeeded: retired_at === null };
    }
    if (rows.length < PAGE) return;
  }
}

/** Reseals a secret; undefined if it cannot be opened. */
function reseal(sealer: Sealer, { bytes, context }: SealedSecret): Uint8Array | undefined {
  try {
    const plaintext = sealer.open(bytes, context);
    const next = sealer.seal(plaintext, context);
    plaintext.fill(0);
    return next;
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

/** Writes only over the value that was read, so that concurrent calls are safe. @returns 1 or 0 */
async function replace(transaction: Transaction<Schema>, secret: SealedSecret, next: Uint8Array): Promise<number> {
  const { table, id, bytes } = secret;
  const [key, sealed] = table === "customer_keys" ? ["key_id", "sealed_secret"] : ["kid", "sealed_private_key"];
  const { numAffectedRows } = await sql`update ${sql.table(table)} set ${sql.ref(sealed)} = ${next}
    where ${sql.ref(key)} = ${id} and ${sql.ref(sealed)} = ${bytes}`.execute(transaction);
  return Number(numAffectedRows ?? 0);
}

/** Retires a signing key, since its tokens may still be verified, or deletes it if it never signed. */
async function retireSigningKey(transaction: Transaction<Schema>, key: SealedSecret, now: number): Promise<void> {
  const retired = { state: "retired", retired_at: now };
  await (key.state === "active"
    ? transaction.updateTable("signing_keys").set(retired).where("kid", "=", key.id).execute()
    : transaction.deleteFrom("signing_keys").where("kid", "=", key.id).execute());
}
