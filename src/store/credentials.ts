// What a login needs to know of a device. Knows its query and sealing; caches keys alone.

import { type KeyObject, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { readLimit } from "../core/limit-text.ts";
import {
  type Credential,
  type CredentialStore,
  type Lookup,
  MAX_LIVE_KEYS,
  MAX_PROVING_KEYS,
  type ProvingKey,
} from "../core/ports.ts";
import { deriveDeviceKey, secretFromText } from "../core/signature.ts";
import { type CredentialRow, createCredentialQuery, DECOY_ID } from "./credential-query.ts";
import type { Database } from "./database.ts";
import { customerKeyContext } from "./seal-contexts.ts";
import type { Sealer } from "./sealing.ts";
import { createSettling } from "./settling.ts";

/** As many unsealed customer keys are kept: a fleet shares one, and unsealing costs more than finding the device. */
const CACHED_KEYS = 10_000;

/** The credentials of one database. `onFault` hears of each secret that does not open. */
export function createCredentialStore(
  database: Database,
  sealer: Sealer,
  onFault: (error: unknown) => void,
): CredentialStore {
  const query = createCredentialQuery(database);
  const unsealed = new LRUCache<string, KeyObject>({ max: CACHED_KEYS });
  const decoy = secretFromText(randomBytes(32).toString("hex"));

  function unseal(customerId: string, keyId: string, purpose: string, sealed: Uint8Array): KeyObject {
    // The seal binds the secret to all of these; so does its place here.
    const place = `${customerId} ${keyId} ${purpose}`;
    const known = unsealed.get(place);
    if (known !== undefined) return known;
    const secret = keyId === DECOY_ID ? decoy : sealer.openKey(sealed, customerKeyContext(customerId, keyId, purpose));
    unsealed.set(place, secret);
    return secret;
  }

  function readKeys(rows: readonly CredentialRow[], deviceKey: string, now: number): ProvingKey[] {
    const faults: unknown[] = [];
    const keys = rows.flatMap(({ customer_id, key_id, purpose, sealed_secret, not_before }): ProvingKey[] => {
      if (key_id === null || purpose === null || sealed_secret === null || Number(not_before) > now) return [];
      try {
        const secret = unseal(customer_id, key_id, purpose, sealed_secret);
        return purpose === "derivation"
          ? [{ keyId: key_id, purpose, secret: secretFromText(deriveDeviceKey(secret, deviceKey)) }]
          : [{ keyId: key_id, purpose: "login", secret }];
      } catch (error) {
        faults.push(error);
        return [];
      }
    });
    // One row that does not open leaves the others good; where none does, there is no telling right from wrong.
    if (keys.length === 0 && faults.length > 0) throw faults[0];
    for (const fault of faults) onFault(fault);
    return keys.slice(0, MAX_PROVING_KEYS);
  }

  return {
    async find(deviceKey, now): Promise<Lookup> {
      const rows = await query(deviceKey, now);
      const [device] = rows;
      if (device === undefined) throw new TypeError("a look-up finds the decoy at least: is the decoy row gone?");
      const keys = readKeys(rows, deviceKey, now);
      const credential: Credential = {
        deviceKey,
        enrolled: device.is_enrolled === 1,
        customerId: device.customer_id,
        enabled: device.device_status === "enabled" && device.customer_status === "enabled",
        sharedIdentity: device.shared_identity !== 0,
        replayGuard: device.replay_guard !== 0,
        loginLimit: device.login_limit === "" ? undefined : (readLimit("login", device.login_limit) ?? "off"),
        keys,
        moving: device.accepts_shared !== 0,
        validUntil: nextTurn(rows, now),
      };
      const derived = keys.filter(({ purpose }) => purpose === "derivation").length;
      return {
        credential,
        derivationsSaved: MAX_LIVE_KEYS - Math.min(derived, MAX_LIVE_KEYS),
      };
    },
    settle: createSettling(database),
  };
}

/** When the next of these keys begins or ends to be good. */
function nextTurn(rows: readonly CredentialRow[], now: number): number {
  const turns = rows.flatMap(({ not_before, expires_at }) => [not_before, expires_at]);
  return Math.min(...turns.filter((turn) => turn !== null && turn > now).map(Number), Number.POSITIVE_INFINITY);
}
