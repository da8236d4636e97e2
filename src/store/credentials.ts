// What a login needs to know, as the database has it: devices, and the keys of customers. Knows its queries and sealing; keeps
// unsealed keys alone.

import { type KeyObject, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { readLimit } from "../core/limit-text.ts";
import type { CredentialStore, KeyPurpose, Policy, RevocationMarks } from "../core/ports.ts";
import { secretFromText } from "../core/signature.ts";
import type { BatchOptions } from "./batches.ts";
import { createCredentialQueries, DECOY_ID, type DeviceRow, type KeyRow } from "./credential-query.ts";
import type { Database } from "./database.ts";
import { customerKeyContext } from "./seal-contexts.ts";
import type { Sealer } from "./sealing.ts";
import { createSettling } from "./settling.ts";

/** A device as a login sees it, without its keys. */
export interface DeviceRecord {
  /** False: a decoy. */
  readonly enrolled: boolean;
  readonly customerId: string;
  readonly enabled: boolean;
  readonly sharedIdentity: boolean;
  readonly replayGuard: boolean;
  readonly loginLimit: Policy | "off" | undefined;
  readonly keyMode: string;
  readonly movingSince: number | undefined;
  readonly marks: RevocationMarks;
}

/** A key of a customer, from its day to its end. */
export interface LoginSecret {
  readonly keyId: string;
  readonly purpose: KeyPurpose;
  readonly secret: KeyObject;
  readonly notBefore: number;
  readonly expiresAt: number;
}

/** The keys of a customer that are not over. */
export interface LoginKeys {
  /** Own before shared ones, the newest first. */
  readonly secrets: readonly LoginSecret[];
  /** Purposes of which there are keys and none opens, and what the first of them threw: there is no telling right from wrong. */
  readonly faults: ReadonlyMap<KeyPurpose, unknown>;
}

/** Obligations: each costs the same whatever the name, and throws AuthError `unavailable` when it cannot be asked. */
export interface CredentialSource extends Pick<CredentialStore, "settle"> {
  /** Of a name that is nobody's, a decoy. */
  findDevice(deviceKey: string, now: number): Promise<DeviceRecord>;
  /** Of a decoy's customer, a decoy. */
  findKeys(customerId: string, now: number): Promise<LoginKeys>;
}

/** As many unsealed customer keys are kept: a fleet shares one, and to unseal one costs more than to find a device. */
const CACHED_KEYS = 10_000;
/** Of a secret that does not open is told once in so many milliseconds, however many guess. */
const TOLD_MS = 60_000;
const NEVER = Number.POSITIVE_INFINITY;

/** The credentials of one database. `onFault` hears of secrets that do not open; `lookUps`: which of them are made as one. */
export function createCredentialSource(
  database: Database,
  sealer: Sealer,
  onFault: (error: unknown) => void,
  lookUps?: BatchOptions,
): CredentialSource {
  const queries = createCredentialQueries(database, lookUps);
  const unsealed = new LRUCache<string, KeyObject>({ max: CACHED_KEYS });
  const told = new LRUCache<string, number>({ max: CACHED_KEYS });
  const decoy = secretFromText(randomBytes(32).toString("hex"));

  function tell(keyId: string, fault: unknown, now: number): void {
    const last = told.get(keyId);
    if (last !== undefined && last <= now && now < last + TOLD_MS) return;
    told.set(keyId, now);
    onFault(fault);
  }

  function unseal(customerId: string, keyId: string, purpose: string, sealed: Uint8Array): KeyObject {
    // The seal binds the secret to all of these; so does its place here.
    const place = `${customerId} ${keyId} ${purpose}`;
    const known = unsealed.get(place);
    if (known !== undefined) return known;
    const secret = keyId === DECOY_ID ? decoy : sealer.openKey(sealed, customerKeyContext(customerId, keyId, purpose));
    unsealed.set(place, secret);
    return secret;
  }

  function readKeys(customerId: string, rows: readonly KeyRow[], now: number): LoginKeys {
    const faults: { readonly keyId: string; readonly purpose: KeyPurpose; readonly fault: unknown }[] = [];
    const keys = rows.flatMap((row): LoginSecret[] => {
      const { key_id, sealed_secret, not_before, expires_at } = row;
      const purpose = row.purpose === "derivation" ? "derivation" : "login";
      // A row that fills up is of another customer's id, and read like any other.
      const owner = key_id === DECOY_ID ? DECOY_ID : customerId;
      try {
        const secret = unseal(owner, key_id, purpose, sealed_secret);
        const [notBefore, expiresAt] = [Number(not_before), expires_at === null ? NEVER : Number(expires_at)];
        return [{ keyId: key_id, purpose, secret, notBefore, expiresAt }];
      } catch (error) {
        faults.push({ keyId: key_id, purpose, fault: error });
        return [];
      }
    });
    const real = keys.filter(({ keyId }) => keyId !== DECOY_ID);
    // One row that does not open leaves the others good; where none of a purpose does, whoever needs one is told.
    const opened = new Set(real.map(({ purpose }) => purpose));
    for (const { keyId, purpose, fault } of faults) if (opened.has(purpose)) tell(keyId, fault, now);
    const lost = faults.filter(({ purpose }) => !opened.has(purpose)).reverse();
    return {
      secrets: customerId === DECOY_ID ? keys.slice(0, 1) : real,
      faults: new Map(lost.map(({ purpose, fault }) => [purpose, fault])),
    };
  }

  return {
    findDevice: async (deviceKey, now) => recordOf(await queries.findDevice(deviceKey, now)),
    findKeys: async (customerId, now) => readKeys(customerId, await queries.findKeys(customerId, now), now),
    settle: createSettling(database),
  };
}

function recordOf(row: DeviceRow): DeviceRecord {
  return {
    enrolled: row.is_enrolled === 1,
    customerId: row.customer_id,
    enabled: row.device_status === "enabled" && row.customer_status === "enabled",
    sharedIdentity: row.shared_identity !== 0,
    replayGuard: row.replay_guard !== 0,
    loginLimit: row.login_limit === "" ? undefined : limitOf(row.login_limit),
    keyMode: row.key_mode,
    movingSince: row.accepts_shared === 0 ? undefined : row.key_mode_since,
    marks: {
      customerId: row.customer_id,
      createdAt: row.device_created_at,
      device: row.device_tokens_not_before,
      customer: row.customer_tokens_not_before,
    },
  };
}

const limits = new LRUCache<string, Policy | "off">({ max: 1_000 });

function limitOf(text: string): Policy | "off" {
  const known = limits.get(text);
  if (known !== undefined) return known;
  const limit = readLimit("login", text) ?? "off";
  limits.set(text, limit);
  return limit;
}
