// The findings about a login, and the explanation of its clock.

export interface Finding {
  /** Stable: programs match on it. */
  readonly code: string;
  /** For people. It has no secret and no character that grpc-js percent-encodes. */
  readonly message: string;
}

export function finding(code: string, message: string): Finding {
  return { code, message };
}

/** A login's proof, explained. */
export interface Proof {
  /** The valid key that made the proof; undefined if the proof is wrong. */
  readonly keyId?: string;
  /** Why a right proof may be refused, as the end of a sentence. */
  readonly usedUp?: string;
  readonly findings: readonly Finding[];
}

export const OWN_KEY_PAIR = finding(
  "own_key_pair",
  "The device has a public key so only its private key is accepted. Sign by ES256 or EdDSA",
);

/** No correct clock reads a time before September 2001. */
const NEVER_SET_UNTIL = 1_000_000_000;
const HALF_HOUR = 1_800;
const FARTHEST_ZONE = 14 * 3_600;
/** A difference of whole or half hours, give or take this many seconds, is a wrong time zone. */
const ZONE_TOLERANCE = 60;

/** Explains a timestamp (Unix seconds) that arrived at `at` (Unix milliseconds); empty within `skewMs`. */
export function explainClock(seconds: number, at: number, skewMs: number): readonly Finding[] {
  const off = seconds - at / 1000;
  if (Math.abs(off) * 1000 <= skewMs) return [];
  const cure = "Set the clock from server_time";
  if (seconds < NEVER_SET_UNTIL) {
    const year = new Date(seconds * 1000).getUTCFullYear();
    return [finding("clock_never_set", `The timestamp lies in ${year}. ${cure} before the login`)];
  }
  const zone = Math.round(off / HALF_HOUR) * HALF_HOUR;
  if (zone !== 0 && Math.abs(zone) <= FARTHEST_ZONE && Math.abs(off - zone) <= ZONE_TOLERANCE) {
    return [
      finding("time_zone", `The timestamp is off by a time zone of ${inWords(zone)}. Unix time is UTC everywhere`),
    ];
  }
  const old = "For an old request name the time it was received";
  return [
    off < 0
      ? finding("clock_behind", `The timestamp is ${inWords(off)} behind the gateway. ${cure}. ${old}`)
      : finding("clock_ahead", `The timestamp is ${inWords(off)} ahead of the gateway. ${cure}`),
  ];
}

const UNITS = [
  [86_400, "days"],
  [3_600, "h"],
  [60, "min"],
] as const;

/** A span in its largest unit, as in `2.2 h`; takes seconds and drops the sign. */
export function inWords(seconds: number): string {
  const span = Math.abs(seconds);
  const [size, unit] = UNITS.find(([least]) => span >= least) ?? [1, "s"];
  return `${Math.round((span / size) * 10) / 10} ${unit}`;
}
