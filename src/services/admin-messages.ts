// Resources, enums and times of the admin contract, converted from and to the core's.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type AuditEventSchema,
  type CustomerKeySchema,
  type CustomerSchema,
  type DeviceSchema,
  KeyMode as KeyModeEnum,
  KeyPurpose as KeyPurposeEnum,
  KeyState as KeyStateEnum,
  type SigningKeySchema,
  SigningKeyState as SigningKeyStateEnum,
  Status as StatusEnum,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { malformed } from "../core/errors.ts";
import type { KeyPurpose } from "../core/ports.ts";
import type { CustomerKeyView } from "../core/registry/customer-keys.ts";
import type { KeyState } from "../core/registry/key-usage.ts";
import { etagOf } from "../core/registry/pages.ts";
import type { AuditEvent, KeyMode, Status, StoredCustomer, StoredDevice } from "../core/registry/ports.ts";
import type { SigningKeyState } from "../core/tokens/ports.ts";
import type { SigningKeyView } from "../core/tokens/signing-keys.ts";

/** The words of the core for an enum of the contract. */
interface EnumWords<Word extends string, Value extends number> {
  readonly write: (word: Word) => Value;
  /** Undefined for UNSPECIFIED. @throws AuthError `malformed` for a value that the contract does not have */
  readonly read: (value: Value | undefined) => Word | undefined;
}

/** Maps every word to its value. `field` is named in errors. */
export function enumOf<Word extends string, Value extends number>(
  field: string,
  values: Readonly<Record<Word, Value>>,
): EnumWords<Word, Value> {
  const words = new Map<number, Word>();
  for (const word in values) words.set(values[word], word);
  return {
    write: (word) => values[word],
    read(value) {
      // UNSPECIFIED is 0 in every enum (AIP-126).
      if (value === undefined || value === 0) return undefined;
      const word = words.get(value);
      if (word === undefined) throw malformed(`${field} has a value that is not in the contract`, field);
      return word;
    },
  };
}

export const statuses = enumOf<Status, StatusEnum>("status", {
  enabled: StatusEnum.ENABLED,
  disabled: StatusEnum.DISABLED,
});
export const keyModes = enumOf<KeyMode, KeyModeEnum>("key_mode", {
  shared: KeyModeEnum.SHARED,
  derived: KeyModeEnum.DERIVED,
});
export const keyPurposes = enumOf<KeyPurpose, KeyPurposeEnum>("purpose", {
  login: KeyPurposeEnum.LOGIN,
  derivation: KeyPurposeEnum.DERIVATION,
});
export const keyStates = enumOf<KeyState, KeyStateEnum>("state", {
  pending: KeyStateEnum.PENDING,
  live: KeyStateEnum.LIVE,
  expired: KeyStateEnum.EXPIRED,
  retired: KeyStateEnum.RETIRED,
});
const signingKeyStates = enumOf<SigningKeyState, SigningKeyStateEnum>("state", {
  next: SigningKeyStateEnum.NEXT,
  active: SigningKeyStateEnum.ACTIVE,
  retired: SigningKeyStateEnum.RETIRED,
  revoked: SigningKeyStateEnum.REVOKED,
});

/** The range of google.protobuf.Timestamp, in seconds: the years 1 to 9999. */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;

/** A time in Unix milliseconds. @throws AuthError `malformed` for one out of range */
export function readTime(time: Timestamp | undefined, field: string): number | undefined {
  if (time === undefined) return undefined;
  const { seconds, nanos } = time;
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || nanos < 0 || nanos > 999_999_999) {
    throw malformed(`${field} is out of range. It lies in the years 1 to 9999`, field);
  }
  return Number(seconds) * 1_000 + Math.floor(nanos / 1_000_000);
}

/** A timestamp of Unix milliseconds. */
export function writeTime(ms: number | undefined): Timestamp | undefined {
  return ms === undefined ? undefined : timestampFromMs(ms);
}

/** A customer with its etag. */
export function customerMessage(customer: StoredCustomer): MessageInitShape<typeof CustomerSchema> {
  const { customerId, displayName, status, loginLimit, tokensNotBefore, createdAt, updatedAt } = customer;
  return {
    customerId,
    displayName,
    status: statuses.write(status),
    loginLimit,
    createTime: writeTime(createdAt),
    updateTime: writeTime(updatedAt),
    etag: etagOf(customer),
    tokensNotBefore: tokensNotBefore === 0 ? undefined : writeTime(tokensNotBefore),
  };
}

/** A customer key without its secret. */
export function customerKeyMessage(key: CustomerKeyView): MessageInitShape<typeof CustomerKeySchema> {
  const { keyId, customerId, purpose, state, notBefore, expiresAt, createdAt, retiredAt } = key;
  return {
    keyId,
    customerId,
    purpose: keyPurposes.write(purpose),
    state: keyStates.write(state),
    notBefore: writeTime(notBefore),
    expiresAt: writeTime(expiresAt),
    createTime: writeTime(createdAt),
    retireTime: writeTime(retiredAt),
  };
}

/** A device with its etag, last login and last failure. */
export function deviceMessage(device: StoredDevice): MessageInitShape<typeof DeviceSchema> {
  const { deviceKey, customerId, displayName, sharedIdentity, replayGuard, labels, acceptsShared, publicKey } = device;
  return {
    deviceKey,
    customerId,
    displayName,
    status: statuses.write(device.status),
    keyMode: keyModes.write(device.keyMode),
    sharedIdentity,
    replayGuard,
    labels,
    acceptsSharedKey: acceptsShared,
    publicKey,
    createTime: writeTime(device.createdAt),
    updateTime: writeTime(device.updatedAt),
    etag: etagOf(device),
    tokensNotBefore: writeTime(device.tokensNotBefore === 0 ? undefined : device.tokensNotBefore),
    lastLoginTime: writeTime(device.lastLoginAt),
    lastKeyId: device.lastKeyId ?? "",
    lastFailureTime: writeTime(device.lastFailureAt),
    lastFailureReason: device.lastFailureReason ?? "",
  };
}

/** A signing key without its key pair. */
export function signingKeyMessage(key: SigningKeyView): MessageInitShape<typeof SigningKeySchema> {
  const { kid, alg, state, createdAt, activatedAt, retiredAt, rotationTime } = key;
  return {
    kid,
    alg,
    state: signingKeyStates.write(state),
    createTime: writeTime(createdAt),
    activateTime: writeTime(activatedAt),
    retireTime: writeTime(retiredAt),
    rotateTime: writeTime(rotationTime),
  };
}

/** An audit event. */
export function auditEventMessage(event: AuditEvent): MessageInitShape<typeof AuditEventSchema> {
  const { eventId, at, actor, action, resource, customerId, details } = event;
  const { tokenId, operator, address, requestId } = actor;
  return {
    eventId,
    time: writeTime(at),
    tokenId,
    operator,
    address,
    action,
    resource,
    customerId,
    details: { ...details },
    requestId,
  };
}
