// Enums and times of the admin contract, to the core's and back. Knows no method.

import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  KeyMode as KeyModeEnum,
  KeyPurpose as KeyPurposeEnum,
  KeyState as KeyStateEnum,
  Status as StatusEnum,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type AuthError, malformed } from "../core/errors.ts";
import type { KeyPurpose } from "../core/ports.ts";
import type { KeyState } from "../core/registry/customer-keys.ts";
import type { KeyMode, Status } from "../core/registry/ports.ts";

/** The core's words as enums of the contract. */
export const STATUS = { enabled: StatusEnum.ENABLED, disabled: StatusEnum.DISABLED } satisfies Record<
  Status,
  StatusEnum
>;
export const KEY_MODE = { shared: KeyModeEnum.SHARED, derived: KeyModeEnum.DERIVED } satisfies Record<
  KeyMode,
  KeyModeEnum
>;
export const KEY_PURPOSE = {
  login: KeyPurposeEnum.LOGIN,
  derivation: KeyPurposeEnum.DERIVATION,
} satisfies Record<KeyPurpose, KeyPurposeEnum>;
export const KEY_STATE = {
  pending: KeyStateEnum.PENDING,
  live: KeyStateEnum.LIVE,
  expired: KeyStateEnum.EXPIRED,
  retired: KeyStateEnum.RETIRED,
} satisfies Record<KeyState, KeyStateEnum>;

/** Undefined where it is not said. @throws AuthError `malformed` for a value that is not in the contract */
export function readStatus(status: StatusEnum = StatusEnum.UNSPECIFIED): Status | undefined {
  switch (status) {
    case StatusEnum.UNSPECIFIED:
      return undefined;
    case StatusEnum.ENABLED:
      return "enabled";
    case StatusEnum.DISABLED:
      return "disabled";
    default:
      throw strangeValue("status");
  }
}

/** As readStatus. */
export function readKeyMode(keyMode: KeyModeEnum = KeyModeEnum.UNSPECIFIED): KeyMode | undefined {
  switch (keyMode) {
    case KeyModeEnum.UNSPECIFIED:
      return undefined;
    case KeyModeEnum.SHARED:
      return "shared";
    case KeyModeEnum.DERIVED:
      return "derived";
    default:
      throw strangeValue("key_mode");
  }
}

/** As readStatus. */
export function readPurpose(purpose: KeyPurposeEnum): KeyPurpose | undefined {
  switch (purpose) {
    case KeyPurposeEnum.UNSPECIFIED:
      return undefined;
    case KeyPurposeEnum.LOGIN:
      return "login";
    case KeyPurposeEnum.DERIVATION:
      return "derivation";
    default:
      throw strangeValue("purpose");
  }
}

function strangeValue(field: string): AuthError {
  return malformed(`${field} has a value that is not in the contract`, field);
}

/** A name that has to be there. @throws AuthError `malformed` */
export function requireName(name: string | undefined, field: string): string {
  if (name === undefined || name === "") throw malformed(`${field} is missing`, field);
  return name;
}

/** From the year 1 to 9999, as the contract has it (google/protobuf/timestamp.proto). */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;

/** A time in unix milliseconds; undefined where there is none. @throws AuthError `malformed` for one out of range */
export function readTime(time: Timestamp | undefined, field: string): number | undefined {
  if (time === undefined) return undefined;
  const { seconds, nanos } = time;
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || nanos < 0 || nanos > 999_999_999) {
    throw malformed(`${field} is out of range. It lies in the years 1 to 9999`, field);
  }
  return Number(seconds) * 1_000 + Math.floor(nanos / 1_000_000);
}

/** Unix milliseconds as the contract has a time; undefined stays so. */
export function writeTime(ms: number | undefined): Timestamp | undefined {
  return ms === undefined ? undefined : timestampFromMs(ms);
}
