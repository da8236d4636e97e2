// The registry's queries: customers, their keys, devices. Knows the schema and sealing.

import type { Kysely } from "kysely";
import { AuthError } from "../core/errors.ts";
import { MAX_LIVE_KEYS, type RegistryStore } from "../core/ports.ts";
import { isBusy, whenFree } from "./busy.ts";
import type { Schema } from "./schema.ts";
import { customerKeyContext } from "./seal-contexts.ts";
import type { Sealer } from "./sealing.ts";

/** The registry of one database. */
export function createRegistryStore(db: Kysely<Schema>, sealer: Sealer): RegistryStore {
  return {
    async insertCustomer({ customerId, displayName, status }, now) {
      await write(db, async (transaction) => {
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto("customers")
          .values({ customer_id: customerId, display_name: displayName, status, created_at: now })
          .onConflict((conflict) => conflict.column("customer_id").doNothing())
          .executeTakeFirstOrThrow();
        requireInserted(numInsertedOrUpdatedRows, "customer_id");
      });
    },

    async insertCustomerKey({ keyId, customerId, purpose, secret, createdAt }) {
      await write(db, async (transaction) => {
        await requireCustomer(transaction, customerId);
        const { live } = await transaction
          .selectFrom("customer_keys")
          .where("customer_id", "=", customerId)
          .where("purpose", "=", purpose)
          .where((where) => where.or([where("expires_at", "is", null), where("expires_at", ">", createdAt)]))
          .select(({ fn }) => fn.countAll<number>().as("live"))
          .executeTakeFirstOrThrow();
        if (live >= MAX_LIVE_KEYS) {
          throw new AuthError(
            "failed_precondition",
            `this customer has ${MAX_LIVE_KEYS} live keys for ${purpose} already. Retire one first`,
          );
        }
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto("customer_keys")
          .values({
            key_id: keyId,
            customer_id: customerId,
            purpose,
            sealed_secret: sealer.seal(secret, customerKeyContext(customerId, keyId, purpose)),
            not_before: createdAt,
            expires_at: null,
            created_at: createdAt,
          })
          .onConflict((conflict) => conflict.column("key_id").doNothing())
          .executeTakeFirstOrThrow();
        requireInserted(numInsertedOrUpdatedRows, "key_id");
      });
    },

    async insertDevice(device, now) {
      await write(db, async (transaction) => {
        await requireCustomer(transaction, device.customerId);
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto("devices")
          .values({
            device_key: device.deviceKey,
            customer_id: device.customerId,
            display_name: device.displayName,
            status: device.status,
            key_mode: device.keyMode,
            shared_identity: device.sharedIdentity ? 1 : 0,
            replay_guard: device.replayGuard ? 1 : 0,
            created_at: now,
          })
          .onConflict((conflict) => conflict.column("device_key").doNothing())
          .executeTakeFirstOrThrow();
        requireInserted(numInsertedOrUpdatedRows, "device_key");
      });
    },
  };
}

function write(db: Kysely<Schema>, act: (transaction: Kysely<Schema>) => Promise<void>): Promise<void> {
  return whenFree(() => db.transaction().execute(act)).catch((cause: unknown) => {
    if (!isBusy(cause)) throw cause;
    throw new AuthError("unavailable", "the registry is busy. Try again later", { retryAfterMs: 5_000 }, { cause });
  });
}

async function requireCustomer(db: Kysely<Schema>, customerId: string): Promise<void> {
  const customer = await db
    .selectFrom("customers")
    .where("customer_id", "=", customerId)
    .select("customer_id")
    .executeTakeFirst();
  if (customer === undefined) {
    throw new AuthError("does_not_exist", "no customer has this customer_id", { field: "customer_id" });
  }
}

function requireInserted(rows: bigint | undefined, field: string): void {
  if (rows === 0n) throw new AuthError("already_exists", `this ${field} is taken already. Choose another`, { field });
}
