// Enums and times of the admin contract, to the core's and back. Knows no method.

import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  KeyMode as KeyModeEnum,
  KeyPurpose as KeyPurposeEnum,
  KeyState as KeyStateEnum,
  SigningKeyState as SigningKeyStateEnum,
  Status as StatusEnum,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { malformed } from "../core/errors.ts";
import type { KeyPurpose } from "../core/ports.ts";
import type { KeyState } from "../core/registry/key-state.ts";
import type { KeyMode, Status } from "../core/registry/ports.ts";
import type { SigningKeyState } from "../core/tokens/ports.ts";

/** An enum of the contract as the core has it, both ways. */
interface EnumWords<Word extends string, Value extends number> {
  readonly write: (word: Word) => Value;
  /** Undefined where it is not said. @throws AuthError `malformed` for a value that is not in the contract */
  readonly read: (value: Value | undefined) => Word | undefined;
}

/** Builds it from all the words there are; `field` is the one that is told to be wrong. */
function enumOf<Word extends string, Value extends number>(
  field: string,
  values: Readonly<Record<Word, Value>>,
): EnumWords<Word, Value> {
  const words = new Map<number, Word>();
  for (const word in values) words.set(values[word], word);
  return {
    write: (word) => values[word],
    read(value) {
      if (value === undefined || value === UNSPECIFIED) return undefined;
      const word = words.get(value);
      if (word === undefined) throw malformed(`${field} has a value that is not in the contract`, field);
      return word;
    },
  };
}

/** What stands for nothing in every enum (AIP-126). */
const UNSPECIFIED = 0;

/** Whether something may be used. */
export const statuses = enumOf<Status, StatusEnum>("status", {
  enabled: StatusEnum.ENABLED,
  disabled: StatusEnum.DISABLED,
});
/** Which key a device signs with. */
export const keyModes = enumOf<KeyMode, KeyModeEnum>("key_mode", {
  shared: KeyModeEnum.SHARED,
  derived: KeyModeEnum.DERIVED,
});
/** What a customer key is for. */
export const keyPurposes = enumOf<KeyPurpose, KeyPurposeEnum>("purpose", {
  login: KeyPurposeEnum.LOGIN,
  derivation: KeyPurposeEnum.DERIVATION,
});
/** How a customer key stands now. */
export const keyStates = enumOf<KeyState, KeyStateEnum>("state", {
  pending: KeyStateEnum.PENDING,
  live: KeyStateEnum.LIVE,
  expired: KeyStateEnum.EXPIRED,
  retired: KeyStateEnum.RETIRED,
});

/** What is done with a signing key. */
export const signingKeyStates = enumOf<SigningKeyState, SigningKeyStateEnum>("state", {
  next: SigningKeyStateEnum.NEXT,
  active: SigningKeyStateEnum.ACTIVE,
  retired: SigningKeyStateEnum.RETIRED,
  revoked: SigningKeyStateEnum.REVOKED,
});

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
