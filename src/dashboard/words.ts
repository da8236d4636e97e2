// Values of the contract in words: times, states, reasons.

import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  KeyMode,
  KeyPurpose,
  KeyState,
  OperatorRole,
  PartState,
  SigningKeyState,
  Status,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";

export type Tone = "good" | "bad" | "warn" | "quiet";

export interface Word {
  readonly text: string;
  readonly tone: Tone;
}

const NONE: Word = { text: "unknown", tone: "quiet" };

export function statusWord(status: Status): Word {
  return status === Status.DISABLED ? { text: "disabled", tone: "bad" } : { text: "enabled", tone: "good" };
}

export function keyModeText(mode: KeyMode): string {
  return mode === KeyMode.DERIVED ? "derived" : "shared";
}

export function purposeText(purpose: KeyPurpose): string {
  return purpose === KeyPurpose.DERIVATION ? "derivation" : "login";
}

export function roleText(role: OperatorRole): string {
  return role === OperatorRole.ADMIN ? "admin" : "read";
}

export function keyStateWord(state: KeyState): Word {
  const words: Partial<Record<KeyState, Word>> = {
    [KeyState.PENDING]: { text: "pending", tone: "warn" },
    [KeyState.LIVE]: { text: "live", tone: "good" },
    [KeyState.EXPIRED]: { text: "expired", tone: "quiet" },
    [KeyState.RETIRED]: { text: "retired", tone: "quiet" },
  };
  return words[state] ?? NONE;
}

export function signingStateWord(state: SigningKeyState): Word {
  const words: Partial<Record<SigningKeyState, Word>> = {
    [SigningKeyState.NEXT]: { text: "next", tone: "warn" },
    [SigningKeyState.ACTIVE]: { text: "active", tone: "good" },
    [SigningKeyState.RETIRED]: { text: "retired", tone: "quiet" },
    [SigningKeyState.REVOKED]: { text: "revoked", tone: "bad" },
  };
  return words[state] ?? NONE;
}

export function partWord(state: PartState): Word {
  const words: Partial<Record<PartState, Word>> = {
    [PartState.OK]: { text: "ok", tone: "good" },
    [PartState.DEGRADED]: { text: "degraded", tone: "warn" },
    [PartState.UNAVAILABLE]: { text: "unavailable", tone: "bad" },
  };
  return words[state] ?? NONE;
}

/** The reasons of a refused login, as an operator reads them. */
const REASONS: Readonly<Record<string, string>> = {
  ok: "admitted",
  clock_skew: "clock is wrong",
  invalid_credentials: "wrong signature or key",
  disabled: "disabled",
  rate_limited: "too many logins",
  replayed: "proof used before",
  malformed: "malformed request",
  unavailable: "gateway unavailable",
  internal: "bug of the gateway",
};

export function reasonText(reason: string): string {
  return REASONS[reason] ?? reason.replaceAll("_", " ");
}

export function timeMs(time: Timestamp | undefined): number | undefined {
  return time === undefined ? undefined : timestampMs(time);
}

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "long" });
const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

/** A time from now, in the largest unit that fits. */
export function relativeTime(ms: number, now = Date.now()): string {
  const distance = ms - now;
  for (const [unit, length] of UNITS) {
    if (Math.abs(distance) >= length) return RELATIVE.format(Math.round(distance / length), unit);
  }
  return distance > 0 ? "in a moment" : "just now";
}

export function exactTime(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " UTC");
}

const NUMBER = new Intl.NumberFormat("en");

export function numberText(value: number): string {
  return NUMBER.format(value);
}

/** A count with its noun: "1 device", "2 devices". */
export function countText(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? "" : "s"}`;
}
