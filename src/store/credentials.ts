// What a login needs to know of a device, in one query that is compiled once. Knows the schema and sealing; caches keys alone.

import { createSecretKey, type KeyObject } from "node:crypto";
import { type CompiledQuery, type Kysely, sql } from "kysely";
import { LRUCache } from "lru-cache";
import { AuthError } from "../core/errors.ts";
import { type Credential, type CredentialStore, MAX_LIVE_KEYS, type ProvingKey } from "../core/ports.ts";
import { deriveDeviceKey, secretFromText } from "../core/signature.ts";
import type { Schema } from "./schema.ts";
import { customerKeyContext } from "./seal-contexts.ts";
import type { Sealer } from "./sealing.ts";

/** As many unsealed customer keys are kept: a fleet shares one, and unsealing costs more than finding the device. */
const CACHED_KEYS = 10_000;
const UNAVAILABLE_RETRY_MS = 5_000;

/** Stand in for the parameters while the query is compiled. */
const DEVICE_KEY = "\0device_key";
const NOW = -1;

type CredentialQuery = ReturnType<typeof buildQuery>;
type Row = Awaited<ReturnType<CredentialQuery["execute"]>>[number];

/** One query whether or not the device exists, so that the two cost the same. */
function buildQuery(db: Kysely<Schema>) {
  return db
    .selectFrom("devices as device")
    .innerJoin("customers as customer", "customer.customer_id", "device.customer_id")
    .leftJoin("customer_keys as key", (join) =>
      join
        .onRef("key.customer_id", "=", "device.customer_id")
        .on("key.purpose", "=", sql<string>`case device.key_mode when 'derived' then 'derivation' else 'login' end`)
        .on("key.not_before", "<=", NOW)
        .on((on) => on.or([on("key.expires_at", "is", null), on("key.expires_at", ">", NOW)])),
    )
    .where("device.device_key", "=", DEVICE_KEY)
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
    .limit(sql.lit(MAX_LIVE_KEYS));
}

/** The credentials of one database. `onFault` hears of each secret that does not open. */
export function createCredentialStore(
  db: Kysely<Schema>,
  sealer: Sealer,
  onFault: (error: unknown) => void,
): CredentialStore {
  const compiled: CompiledQuery<Row> = buildQuery(db).compile();
  const unsealed = new LRUCache<string, KeyObject>({ max: CACHED_KEYS });

  async function query(deviceKey: string, now: number): Promise<readonly Row[]> {
    const parameters = compiled.parameters.map((value) =>
      value === DEVICE_KEY ? deviceKey : value === NOW ? now : value,
    );
    const { rows } = await db.executeQuery<Row>({ ...compiled, parameters });
    return rows;
  }

  function unseal(customerId: string, keyId: string, purpose: string, sealed: Uint8Array): KeyObject {
    // The seal binds the secret to all of these; so does its place here.
    const place = `${customerId} ${keyId} ${purpose}`;
    const known = unsealed.get(place);
    if (known !== undefined) return known;
    const secret = createSecretKey(sealer.open(sealed, customerKeyContext(customerId, keyId, purpose)));
    unsealed.set(place, secret);
    return secret;
  }

  function readKeys(rows: readonly Row[], deviceKey: string): ProvingKey[] {
    const faults: unknown[] = [];
    const keys = rows.flatMap(({ customer_id, key_mode, key_id, purpose, sealed_secret }) => {
      if (key_id === null || purpose === null || sealed_secret === null) return [];
      let secret: KeyObject;
      try {
        secret = unseal(customer_id, key_id, purpose, sealed_secret);
      } catch (error) {
        faults.push(error);
        return [];
      }
      return [
        { keyId: key_id, secret: key_mode === "derived" ? secretFromText(deriveDeviceKey(secret, deviceKey)) : secret },
      ];
    });
    // One row that does not open leaves the others good; where none does, there is no telling right from wrong.
    if (keys.length === 0 && faults.length > 0) throw faults[0];
    for (const fault of faults) onFault(fault);
    return keys;
  }

  return {
    async find(deviceKey, now): Promise<Credential | undefined> {
      const rows = await query(deviceKey, now).catch((cause: unknown) => {
        throw new AuthError(
          "unavailable",
          "the registry cannot be asked now. Try again later",
          { retryAfterMs: UNAVAILABLE_RETRY_MS },
          { cause },
        );
      });
      const [device] = rows;
      return (
        device && {
          deviceKey,
          customerId: device.customer_id,
          enabled: device.device_status === "enabled" && device.customer_status === "enabled",
          sharedIdentity: device.shared_identity !== 0,
          replayGuard: device.replay_guard !== 0,
          keys: readKeys(rows, deviceKey),
        }
      );
    },
  };
}
