// The reads of logins and token checks: one statement each, and the unsealed keys of customers.

import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { readLimit } from "../core/limit-text.ts";
import {
  type Credential,
  type CredentialStore,
  type CustomerKey,
  type KeyPurpose,
  MAX_LIVE_KEYS,
  type RevocationMarks,
} from "../core/ports.ts";
import { secretFromText } from "../core/signature.ts";
import type { Database } from "./database.ts";
import { storeUnavailable } from "./outage.ts";
import { DECOY } from "./schema.ts";
import { customerKeyContext, type Sealer } from "./sealing.ts";

interface MarksRow {
  /** 0 for the decoy. */
  readonly is_enrolled: number;
  readonly is_enabled: number;
  readonly customer_id: string;
  readonly device_created_at: number;
  readonly device_tokens_not_before: number;
  readonly customer_tokens_not_before: number;
}

interface DeviceRow extends MarksRow {
  readonly is_derived: number;
  readonly is_moving: number;
  readonly key_mode_since: number;
  readonly shared_identity: number;
  readonly replay_guard: number;
  readonly public_key: string;
  readonly login_limit: string;
  readonly keys_version: string;
}

interface StandingRow extends MarksRow {
  readonly is_revoked: number;
}

interface KeyRow {
  readonly key_id: string;
  readonly purpose: string;
  readonly sealed_secret: Uint8Array;
  readonly not_before: number;
  readonly expires_at: number | null;
}

/** The columns of the marks, as numbers: each text in a row costs as much as a search. */
const MARKS = `asked.ordinal, case when device.device_key = '${DECOY}' then 0 else 1 end as is_enrolled,
  case when device.status = 'enabled' and customer.status = 'enabled' then 1 else 0 end as is_enabled,
  device.customer_id, device.created_at as device_created_at,
  device.tokens_not_before as device_tokens_not_before, customer.tokens_not_before as customer_tokens_not_before`;

/** An unknown device reads the decoy, so that both take the same time. */
const DEVICE = `join devices as device on device.device_key = coalesce(
    (select named.device_key from devices as named where named.device_key = asked.asked_key), '${DECOY}')
  join customers as customer on customer.customer_id = device.customer_id`;

const FIND = {
  name: "find",
  names: ["asked_key"],
  sql: (asked: string) => `select ${MARKS}, case when device.key_mode = 'derived' then 1 else 0 end as is_derived,
    device.accepts_shared as is_moving, device.key_mode_since, device.shared_identity, device.replay_guard, device.public_key,
    customer.login_limit, customer.keys_version from ${asked} ${DEVICE}`,
};

const FIND_STANDING = {
  name: "find_standing",
  names: ["asked_key", "jti"],
  sql: (asked: string) => `select ${MARKS},
    case when exists (select 1 from revoked_tokens as revoked where revoked.jti = asked.jti) then 1 else 0 end as is_revoked
    from ${asked} ${DEVICE}`,
};

const FIND_KEYS = {
  name: "find_keys",
  names: ["owner"],
  sql: (
    asked: string,
  ) => `select asked.ordinal, key.key_id, key.purpose, key.sealed_secret, key.not_before, key.expires_at
    from ${asked} join customer_keys as key on key.customer_id = asked.owner and key.retired_at is null
    order by key.created_at desc, key.key_id`,
};

/** The unexpired keys of a customer, by purpose, the newest first. */
interface CustomerKeys {
  /** A key cannot be unsealed, so no proof can be checked. */
  readonly isBroken?: boolean;
  readonly login: readonly CustomerKey[];
  readonly derivation: readonly CustomerKey[];
}

const NO_KEYS: readonly CustomerKey[] = [];
const NEVER = Number.POSITIVE_INFINITY;
/** Customers whose keys are cached: unsealing a key costs more than finding a device. */
const CACHED_KEYS = 10_000;

/** The credentials of one database. `onFault` is called for secrets that cannot be unsealed. */
export function createCredentialStore(
  database: Database,
  sealer: Sealer,
  onFault: (error: unknown) => void,
): CredentialStore {
  const findDevice = database.lookUp<DeviceRow>(FIND);
  const findStanding = database.lookUp<StandingRow>(FIND_STANDING);
  const findKeys = database.lookUp<KeyRow>(FIND_KEYS);
  const decoys = {
    login: Array.from({ length: MAX_LIVE_KEYS }, () => decoyKey("login")),
    derivation: Array.from({ length: MAX_LIVE_KEYS }, () => decoyKey("derivation")),
  };
  // By customer and version, which is never reused. Keys are read after the version, so they are of that version or newer.
  const cache = new LRUCache<string, CustomerKeys, { readonly customerId: string; readonly now: number }>({
    maxSize: CACHED_KEYS,
    sizeCalculation: ({ login, derivation }) => 1 + login.length + derivation.length,
    async fetchMethod(_name, _stale, { context: { customerId, now } }) {
      const rows = await findKeys([customerId]);
      return customerId === DECOY ? decoys : unseal(customerId, rows, now);
    },
  });

  function unseal(customerId: string, rows: readonly KeyRow[], now: number): CustomerKeys {
    try {
      const keys = rows.flatMap((row): CustomerKey[] => {
        const { key_id: keyId, not_before: notBefore } = row;
        const expiresAt = row.expires_at ?? NEVER;
        if (expiresAt <= now) return [];
        const purpose = row.purpose === "derivation" ? "derivation" : "login";
        const secret = sealer.openKey(row.sealed_secret, customerKeyContext(customerId, keyId, purpose));
        return [{ keyId, purpose, secret, notBefore, expiresAt }];
      });
      const of = (purpose: KeyPurpose): CustomerKey[] => keys.filter((key) => key.purpose === purpose);
      return { login: of("login"), derivation: of("derivation") };
    } catch (error) {
      onFault(error);
      return { login: NO_KEYS, derivation: NO_KEYS, isBroken: true };
    }
  }

  return {
    async find(deviceKey, now) {
      const row = required((await findDevice([deviceKey]))[0]);
      const { customer_id: customerId, keys_version: version } = row;
      const name = `${customerId} ${version}`;
      const keys = cache.get(name) ?? (await cache.forceFetch(name, { context: { customerId, now } }));
      if (keys.isBroken) throw storeUnavailable("cannot unseal a key of this customer");
      return credentialOf(deviceKey, row, keys, now);
    },

    async findStanding(deviceKey, jti) {
      const row = required((await findStanding([deviceKey, jti]))[0]);
      return {
        enrolled: row.is_enrolled !== 0,
        enabled: row.is_enabled !== 0,
        marks: marksOf(row),
        isRevoked: row.is_revoked !== 0,
      };
    },
  };
}

function credentialOf(deviceKey: string, row: DeviceRow, { login, derivation }: CustomerKeys, now: number): Credential {
  const isLive = ({ notBefore, expiresAt }: CustomerKey): boolean => notBefore <= now && now < expiresAt;
  const [enrolled, isDerived, isMoving] = [row.is_enrolled !== 0, row.is_derived !== 0, row.is_moving !== 0];
  // A device with its own key pair must not log in with a shared key.
  const hasOwnKey = row.public_key !== "";
  return {
    deviceKey,
    enrolled,
    customerId: row.customer_id,
    enabled: row.is_enabled !== 0,
    sharedIdentity: row.shared_identity !== 0,
    replayGuard: row.replay_guard !== 0,
    loginLimit: row.login_limit === "" ? undefined : (readLimit("login", row.login_limit) ?? "off"),
    publicKey: row.public_key,
    loginKeys: !hasOwnKey && (!isDerived || isMoving) ? login.filter(isLive) : NO_KEYS,
    derivationKeys: !hasOwnKey && (isDerived || !enrolled) ? derivation.filter(isLive) : NO_KEYS,
    movingSince: isMoving ? row.key_mode_since : undefined,
    marks: marksOf(row),
  };
}

function marksOf(row: MarksRow): RevocationMarks {
  return {
    customerId: row.customer_id,
    createdAt: row.device_created_at,
    device: row.device_tokens_not_before,
    customer: row.customer_tokens_not_before,
  };
}

function decoyKey(purpose: KeyPurpose): CustomerKey {
  const secret = secretFromText(randomBytes(32).toString("hex"));
  return { keyId: DECOY, purpose, secret, notBefore: 0, expiresAt: NEVER };
}

function required<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new TypeError("a look-up found not even the decoy: its row is missing");
  return row;
}
