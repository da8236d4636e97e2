// Customer keys that were given up as lost and open again: the right master key has turned up. Knows the schema and sealing.

import type { Transaction } from "kysely";
import type { CustomerSecret } from "../core/registry/ports.ts";
import type { SecretStore } from "../core/registry/record-ports.ts";
import { insertAuditEvent } from "./audit.ts";
import { openCustomerKeys } from "./customer-keys.ts";
import { changeKeysVersion, holdCustomer } from "./customers.ts";
import type { Database } from "./database.ts";
import { DECOY } from "./decoy.ts";
import type { Schema } from "./schema.ts";
import { customerKeyContext } from "./seal-contexts.ts";
import { SealError, type Sealer } from "./sealing.ts";

const PAGE = 500;

/** `takeBack` of a SecretStore. */
export function createTakeBack(database: Database, sealer: Sealer): SecretStore["takeBack"] {
  return async (fits, describe) => {
    for (const customerId of await findOwners(database, sealer)) {
      await database.write(async (transaction) => {
        await holdCustomer(transaction, database, customerId);
        const { opened, unopened } = await openCustomerKeys(transaction, sealer, customerId);
        try {
          const found = choose(opened, (key, others) => fits(key, { opened: others, unopened }));
          if (found.length === 0) return;
          await clearMarks(transaction, found);
          await changeKeysVersion(transaction, customerId);
          const entry = describe(customerId, found);
          await insertAuditEvent(transaction, entry);
        } finally {
          for (const { secret } of opened) secret.fill(0);
        }
      });
    }
  };
}

/** Those who have a lost key that opens. */
async function findOwners(database: Database, sealer: Sealer): Promise<ReadonlySet<string>> {
  const owners = new Set<string>();
  for (let after = DECOY; ; ) {
    const rows = await database.read((db) =>
      db
        .selectFrom("customer_keys")
        .select(["key_id", "customer_id", "purpose", "sealed_secret"])
        .where("key_id", ">", after)
        .where("lost_at", "is not", null)
        .where("retired_at", "is", null)
        .orderBy("key_id")
        .limit(PAGE)
        .execute(),
    );
    for (const row of rows) if (opens(sealer, row)) owners.add(row.customer_id);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return owners;
    after = last.key_id;
  }
}

function opens(
  sealer: Sealer,
  {
    customer_id,
    key_id,
    purpose,
    sealed_secret,
  }: Pick<Schema["customer_keys"], "customer_id" | "key_id" | "purpose" | "sealed_secret">,
): boolean {
  try {
    sealer.open(sealed_secret, customerKeyContext(customer_id, key_id, purpose)).fill(0);
    return true;
  } catch (error) {
    // Not even what a newer gateway wrote keeps this one from starting.
    if (error instanceof SealError) return false;
    throw error;
  }
}

/** The lost keys that may be taken back, each beside all others and those of before it that are. */
function choose(
  keys: readonly CustomerSecret[],
  fits: (key: CustomerSecret, others: readonly CustomerSecret[]) => boolean,
): readonly string[] {
  const found = new Set<string>();
  for (const key of keys) {
    if (key.lost === undefined) continue;
    const others = keys
      .filter(({ keyId }) => keyId !== key.keyId)
      .map((other) => (found.has(other.keyId) ? { ...other, retiredAt: undefined } : other));
    if (fits({ ...key, retiredAt: undefined }, others)) found.add(key.keyId);
  }
  return [...found];
}

async function clearMarks(transaction: Transaction<Schema>, keyIds: readonly string[]): Promise<void> {
  await transaction.updateTable("customer_keys").set({ lost_at: null }).where("key_id", "in", keyIds).execute();
}
