// A device with the keys that prove its logins, put together, and held against another. Knows no database and keeps nothing.

import type { Credential, KeyPurpose, ProvingKey } from "../core/ports.ts";
import { deriveDeviceKey, secretFromText } from "../core/signature.ts";
import type { DeviceRecord, LoginKeys } from "./credentials.ts";

/** A device with the keys that prove its logins now. @throws what the first threw where none of those that are due opens */
export function compose(
  deviceKey: string,
  record: DeviceRecord,
  { secrets, faults }: LoginKeys,
  now: number,
): Credential {
  const isDue = (purpose: KeyPurpose): boolean =>
    record.movingSince !== undefined || (purpose === "derivation") === (record.keyMode === "derived");
  const due = secrets.filter(({ purpose }) => isDue(purpose));
  const fault = due.length === 0 ? [...faults].find(([purpose]) => isDue(purpose)) : undefined;
  if (fault !== undefined) throw fault[1];
  const live = due.filter(({ notBefore, expiresAt }) => notBefore <= now && now < expiresAt);
  const keys = live.map(({ keyId, purpose, secret }): ProvingKey => {
    return {
      keyId,
      purpose,
      secret: purpose === "login" ? secret : secretFromText(deriveDeviceKey(secret, deviceKey)),
    };
  });
  const { enrolled, customerId, enabled, sharedIdentity, replayGuard, loginLimit, movingSince, marks } = record;
  const turns = secrets.flatMap(({ notBefore, expiresAt }) => [notBefore, expiresAt]).filter((turn) => turn > now);
  const validUntil = Math.min(...turns, Number.POSITIVE_INFINITY);
  return {
    deviceKey,
    enrolled,
    customerId,
    enabled,
    sharedIdentity,
    replayGuard,
    loginLimit,
    keys,
    movingSince,
    marks,
    validUntil,
  };
}

/** How many keys were derived for it. */
export function derivedKeys({ keys }: Credential): number {
  return keys.filter(({ purpose }) => purpose === "derivation").length;
}

function isSameEpoch({ marks: one }: DeviceRecord, { marks: other }: DeviceRecord): boolean {
  return one.createdAt === other.createdAt && one.device === other.device && one.customer === other.customer;
}

/** Whether a login would be judged the same by either. */
export function isSameDevice(one: DeviceRecord, other: DeviceRecord): boolean {
  return (
    one.enrolled === other.enrolled &&
    one.customerId === other.customerId &&
    one.enabled === other.enabled &&
    one.sharedIdentity === other.sharedIdentity &&
    one.replayGuard === other.replayGuard &&
    one.loginLimit === other.loginLimit &&
    one.keyMode === other.keyMode &&
    one.movingSince === other.movingSince &&
    isSameEpoch(one, other)
  );
}

export function haveSameIds(one: LoginKeys, other: LoginKeys): boolean {
  if (one === other) return true;
  const [former, latter] = [one.secrets, other.secrets];
  return former.length === latter.length && former.every(({ keyId }, place) => keyId === latter[place]?.keyId);
}
