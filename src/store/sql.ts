// The queries: registry, credentials and signing keys, in both dialects. Knows the schema and sealing; caches nothing.

import { createSecretKey } from "node:crypto";
import type { Kysely } from "kysely";
import { AuthError } from "../core/errors.ts";
import {
  type CredentialStore,
  MAX_LIVE_KEYS,
  type PublicJwk,
  type RegistryStore,
  type SigningKey,
  type SigningKeyStore,
} from "../core/ports.ts";
import { deriveDeviceKey, secretFromText } from "../core/signature.ts";
import type { Schema } from "./schema.ts";
import type { Sealer } from "./sealing.ts";

export type Store = CredentialStore & RegistryStore & SigningKeyStore;

/** The ports of the core over one database. */
export function createStore(db: Kysely<Schema>, sealer: Sealer): Store {
  return { ...credentials(db, sealer), ...registry(db, sealer), ...signingKeys(db, sealer) };
}

function credentials(db: Kysely<Schema>, sealer: Sealer): CredentialStore {
  // One query whether or not the device exists, so that the two cost the same.
  const query = (deviceKey: string, now: number) =>
    db
      .selectFrom("devices as device")
      .innerJoin("customers as customer", "customer.customer_id", "device.customer_id")
      .leftJoin("customer_keys as key", (join) =>
        join
          .onRef("key.customer_id", "=", "device.customer_id")
          .on((on) =>
            on(
              "key.purpose",
              "=",
              on.case().when("device.key_mode", "=", "derived").then("derivation").else("login").end(),
            ),
          )
          .on("key.not_before", "<=", now)
          .on((on) => on.or([on("key.expires_at", "is", null), on("key.expires_at", ">", now)])),
      )
      .where("device.device_key", "=", deviceKey)
      .select([
        "device.customer_id",
        "device.status as device_status",
        "customer.status as customer_status",
        "device.key_mode",
        "device.shared_identity",
        "device.replay_guard",
        "key.key_id",
        "key.purpose",
        "key.sealed_secret",
      ])
      .orderBy("key.created_at", "desc")
      .limit(MAX_LIVE_KEYS)
      .execute();

  return {
    async find(deviceKey, now) {
      const rows = await query(deviceKey, now).catch((cause: unknown) => {
        throw new AuthError(
          "unavailable",
          "the registry cannot be asked now. Try again later",
          { retryAfterMs: 5_000 },
          { cause },
        );
      });
      const [device] = rows;
      if (device === undefined) return undefined;
      const keys = rows.flatMap(({ key_id, purpose, sealed_secret }) => {
        if (key_id === null || purpose === null || sealed_secret === null) return [];
        const secret = createSecretKey(sealer.open(sealed_secret, secretContext(device.customer_id, key_id, purpose)));
        return [
          {
            keyId: key_id,
            secret: device.key_mode === "derived" ? secretFromText(deriveDeviceKey(secret, deviceKey)) : secret,
          },
        ];
      });
      return {
        deviceKey,
        customerId: device.customer_id,
        enabled: device.device_status === "enabled" && device.customer_status === "enabled",
        sharedIdentity: device.shared_identity !== 0,
        replayGuard: device.replay_guard !== 0,
        keys,
      };
    },
  };
}

function registry(db: Kysely<Schema>, sealer: Sealer): RegistryStore {
  return {
    async insertCustomer({ customerId, displayName, status }, now) {
      await db
        .insertInto("customers")
        .values({ customer_id: customerId, display_name: displayName, status, created_at: now })
        .execute();
    },

    async insertCustomerKey({ keyId, customerId, purpose, secret, createdAt }) {
      await db.transaction().execute(async (transaction) => {
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
        await transaction
          .insertInto("customer_keys")
          .values({
            key_id: keyId,
            customer_id: customerId,
            purpose,
            sealed_secret: sealer.seal(secret, secretContext(customerId, keyId, purpose)),
            not_before: createdAt,
            expires_at: null,
            created_at: createdAt,
          })
          .execute();
      });
    },

    async insertDevice(device, now) {
      await db.transaction().execute(async (transaction) => {
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
        if (numInsertedOrUpdatedRows === 0n) {
          throw new AuthError("already_exists", "a device of this device_key is enrolled already. Choose another", {
            field: "device_key",
          });
        }
      });
    },
  };
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

function signingKeys(db: Kysely<Schema>, sealer: Sealer): SigningKeyStore {
  async function active(): Promise<SigningKey | undefined> {
    const row = await db.selectFrom("signing_keys").where("state", "=", "active").selectAll().executeTakeFirst();
    if (row === undefined) return undefined;
    return {
      kid: row.kid,
      alg: row.alg,
      privateKey: sealer.open(row.sealed_private_key, signingKeyContext(row.kid, row.alg)),
      publicJwk: readPublicJwk(row.public_jwk),
      createdAt: row.created_at,
    };
  }

  return {
    active,
    async activateFirst({ kid, alg, privateKey, publicJwk, createdAt }) {
      await db
        .insertInto("signing_keys")
        .values({
          kid,
          alg,
          state: "active",
          sealed_private_key: sealer.seal(privateKey, signingKeyContext(kid, alg)),
          public_jwk: JSON.stringify(publicJwk),
          created_at: createdAt,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const winner = await active();
      if (winner === undefined) throw new Error("an active signing key was inserted and is not there");
      return winner;
    },
  };
}

function readPublicJwk(text: string): PublicJwk {
  const jwk: PublicJwk = JSON.parse(text);
  return jwk;
}

/** What a customer key is bound to: moved to another customer, id or purpose it does not open. */
function secretContext(customerId: string, keyId: string, purpose: string): readonly string[] {
  return ["customer_key", customerId, keyId, purpose];
}

function signingKeyContext(kid: string, alg: string): readonly string[] {
  return ["signing_key", kid, alg];
}
