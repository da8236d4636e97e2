// Reads credentials for logins and token checks, and caches unsealed customer keys.

import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { readLimit } from "../core/limit-text.ts";
import { type CredentialStore, type CustomerKey, type KeyPurpose, MAX_LIVE_KEYS } from "../core/ports.ts";
import { secretFromText } from "../core/signature.ts";
import type { Database } from "./database.ts";
import { storeUnavailable } from "./outage.ts";
import { DECOY } from "./schema.ts";
import { customerKeyContext, type Sealer } from "./sealing.ts";

/** Rows are read by position, which costs less than objects. `isEnrolled` is 0 for the decoy. */
type MarksRow = readonly [
  ordinal: number,
  isEnrolled: number,
  isEnabled: number,
  customerId: string,
  createdAt: number,
  device: number,
  customer: number,
];

type DeviceRow = readonly [
  ...MarksRow,
  isDerived: number,
  isMoving: number,
  keyModeSince: number,
  sharedIdentity: number,
  replayGuard: number,
  publicKey: string,
  loginLimit: string,
  keysVersion: string,
];

type StandingRow = readonly [...MarksRow, isRevoked: number];

type KeyRow = readonly [
  ordinal: number,
  keyId: string,
  purpose: string,
  sealedSecret: Uint8Array,
  notBefore: number,
  expiresAt: number | null,
];

/** The columns of the marks. Flags are numbers: each column of text costs as much as finding the row. */
const MARKS = `asked.ordinal, case when device.device_key = '${DECOY}' then 0 else 1 end,
  case when device.status = 'enabled' and customer.status = 'enabled' then 1 else 0 end,
  device.customer_id, device.created_at, device.tokens_not_before, customer.tokens_not_before`;

/** An unknown device reads the decoy, so that both take the same time. */
const DEVICE = `join devices as device on device.device_key = coalesce(
    (select named.device_key from devices as named where named.device_key = asked.asked_key), '${DECOY}')
  join customers as customer on customer.customer_id = device.customer_id`;

const FIND = {
  name: "find",
  names: ["asked_key"],
  sql: (asked: string) => `select ${MARKS}, case when device.key_mode = 'derived' then 1 else 0 end,
    device.accepts_shared, device.key_mode_since, device.shared_identity, device.replay_guard, device.public_key,
    customer.login_limit, customer.keys_version from ${asked} ${DEVICE}`,
};

const FIND_STANDING = {
  name: "find_standing",
  names: ["asked_key", "jti"],
  sql: (asked: string) => `select ${MARKS},
    case when exists (select 1 from revoked_tokens as revoked where revoked.jti = asked.jti) then 1 else 0 end
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
/** Size of the cache, in which a customer counts as 1 plus its keys: unsealing a key costs more than finding a device. */
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
        const [, keyId, purposeText, sealed, notBefore, expiry] = row;
        const expiresAt = expiry ?? NEVER;
        if (expiresAt <= now) return [];
        const purpose = purposeText === "derivation" ? "derivation" : "login";
        const secret = sealer.openKey(sealed, customerKeyContext(customerId, keyId, purpose));
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
      const [
        ,
        isEnrolled,
        isEnabled,
        customerId,
        createdAt,
        device,
        customer,
        isDerived,
        isMoving,
        keyModeSince,
        sharedIdentity,
        replayGuard,
        publicKey,
        loginLimit,
        version,
      ] = required((await findDevice([deviceKey]))[0]);
      const name = `${customerId} ${version}`;
      const keys = cache.get(name) ?? (await cache.forceFetch(name, { context: { customerId, now } }));
      if (keys.isBroken) throw storeUnavailable("cannot unseal a key of this customer");
      const isLive = ({ notBefore, expiresAt }: CustomerKey): boolean => notBefore <= now && now < expiresAt;
      // A device with its own key pair must not log in with a shared key.
      const hasOwnKey = publicKey !== "";
      const provesShared = !hasOwnKey && (isDerived === 0 || isMoving !== 0);
      const provesDerived = !hasOwnKey && (isDerived !== 0 || isEnrolled === 0);
      return {
        deviceKey,
        enrolled: isEnrolled !== 0,
        customerId,
        enabled: isEnabled !== 0,
        sharedIdentity: sharedIdentity !== 0,
        replayGuard: replayGuard !== 0,
        loginLimit: loginLimit === "" ? undefined : (readLimit("login", loginLimit) ?? "off"),
        publicKey,
        loginKeys: provesShared ? keys.login.filter(isLive) : NO_KEYS,
        derivationKeys: provesDerived ? keys.derivation.filter(isLive) : NO_KEYS,
        movingSince: isMoving !== 0 ? keyModeSince : undefined,
        marks: { customerId, createdAt, device, customer },
      };
    },

    async findStanding(deviceKey, jti) {
      const [, isEnrolled, isEnabled, customerId, createdAt, device, customer, isRevoked] = required(
        (await findStanding([deviceKey, jti]))[0],
      );
      return {
        enrolled: isEnrolled !== 0,
        enabled: isEnabled !== 0,
        marks: { customerId, createdAt, device, customer },
        isRevoked: isRevoked !== 0,
      };
    },
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
