// Converts resources, enums and times between the admin contract and the core.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type AuditEventSchema,
  type CustomerKeySchema,
  type CustomerSchema,
  DeviceAction,
  type DeviceLimitSchema,
  type DeviceSchema,
  KeyMode,
  KeyPurpose,
  KeyState,
  OperatorRole,
  type OperatorTokenSchema,
  PartState,
  type SigningKeySchema,
  SigningKeyState,
  Status,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { malformed } from "../core/errors.ts";
import { writeLimit } from "../core/limit-text.ts";
import type { LimitState } from "../core/ports.ts";
import type { CustomerKeyView } from "../core/registry/customer-keys.ts";
import type { OperatorToken } from "../core/registry/operators.ts";
import type { AuditEvent, StoredCustomer, StoredDevice } from "../core/registry/ports.ts";
import { etagOf } from "../core/registry/resources.ts";
import type { SigningKeyView } from "../core/tokens/signing-keys.ts";

/** The words of the core for an enum: the names of its values in lower case, without UNSPECIFIED. */
type Word<Values> = Lowercase<Exclude<keyof Values & string, "UNSPECIFIED">>;

interface EnumWords<Values> {
  readonly write: (word: Word<Values>) => Values[keyof Values];
  /** Undefined for UNSPECIFIED. @throws AuthError `malformed` for a value that the contract does not have */
  readonly read: (value: number | undefined) => Word<Values> | undefined;
}

/** Maps the values of an enum to words. `field` is named in errors. */
function enumOf<Values extends Readonly<Record<string, number>>>(field: string, values: Values): EnumWords<Values> {
  const words = Object.keys(values).map((name) => name.toLowerCase() as Word<Values>);
  const write = (word: Word<Values>): Values[keyof Values] => values[word.toUpperCase() as keyof Values];
  return {
    write,
    read(value) {
      // UNSPECIFIED is 0 in every enum (AIP-126).
      if (value === undefined || value === 0) return undefined;
      const word = words.find((one) => write(one) === value);
      if (word === undefined) throw malformed(`${field} has a value that is not in the contract`, field);
      return word;
    },
  };
}

export const statuses = enumOf("status", Status);
export const keyModes = enumOf("key_mode", KeyMode);
export const keyPurposes = enumOf("purpose", KeyPurpose);
export const keyStates = enumOf("state", KeyState);
const signingKeyStates = enumOf("state", SigningKeyState);
export const roles = enumOf("role", OperatorRole);
export const deviceActions = enumOf("action", DeviceAction);
export const partStates = enumOf("state", PartState);

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
  return {
    ...customer,
    status: statuses.write(customer.status),
    createTime: writeTime(customer.createdAt),
    updateTime: writeTime(customer.updatedAt),
    etag: etagOf(customer),
    tokensNotBefore: writeTime(customer.tokensNotBefore || undefined),
  };
}

/** A customer key without its secret. */
export function customerKeyMessage(key: CustomerKeyView): MessageInitShape<typeof CustomerKeySchema> {
  return {
    ...key,
    purpose: keyPurposes.write(key.purpose),
    state: keyStates.write(key.state),
    notBefore: writeTime(key.notBefore),
    expiresAt: writeTime(key.expiresAt),
    createTime: writeTime(key.createdAt),
    retireTime: writeTime(key.retiredAt),
  };
}

/** A device with its etag, last login and last failure. */
export function deviceMessage(device: StoredDevice): MessageInitShape<typeof DeviceSchema> {
  return {
    ...device,
    status: statuses.write(device.status),
    keyMode: keyModes.write(device.keyMode),
    acceptsSharedKey: device.acceptsShared,
    createTime: writeTime(device.createdAt),
    updateTime: writeTime(device.updatedAt),
    etag: etagOf(device),
    tokensNotBefore: writeTime(device.tokensNotBefore || undefined),
    lastLoginTime: writeTime(device.lastLoginAt),
    lastKeyId: device.lastKeyId ?? "",
    lastFailureTime: writeTime(device.lastFailureAt),
    lastFailureReason: device.lastFailureReason ?? "",
  };
}

/** The state of a device's login limit. */
export function limitMessage(state: LimitState | undefined): MessageInitShape<typeof DeviceLimitSchema> {
  if (state === undefined) return { limit: "off" };
  const { policy, remaining, resetMs, decidedAt } = state;
  // Rounded up: Redis counts in microseconds, and a message has whole milliseconds.
  const resetTime = resetMs > 0 ? writeTime(Math.ceil(decidedAt + resetMs)) : undefined;
  return { limit: writeLimit(policy), remaining, resetTime };
}

/** A signing key without its key pair. */
export function signingKeyMessage(key: SigningKeyView): MessageInitShape<typeof SigningKeySchema> {
  return {
    kid: key.kid,
    alg: key.alg,
    state: signingKeyStates.write(key.state),
    createTime: writeTime(key.createdAt),
    activateTime: writeTime(key.activatedAt),
    retireTime: writeTime(key.retiredAt),
    rotateTime: writeTime(key.rotationTime),
  };
}

/** An operator's admin token without its secret. */
export function operatorTokenMessage(token: OperatorToken): MessageInitShape<typeof OperatorTokenSchema> {
  return {
    ...token,
    role: roles.write(token.role),
    createTime: writeTime(token.createdAt),
    expireTime: writeTime(token.expiresAt),
    revokeTime: writeTime(token.revokedAt),
  };
}

/** An audit event. */
export function auditEventMessage({ actor, ...event }: AuditEvent): MessageInitShape<typeof AuditEventSchema> {
  return { ...event, ...actor, time: writeTime(event.at), details: { ...event.details } };
}
