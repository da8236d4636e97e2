// The ports: what the use-cases ask of the world, and what each answerer owes. Knows no driver and no protocol.

import type { KeyObject } from "node:crypto";

/** The limits a login is held against; `replay` is the replay guard, a limit of one. */
export type PolicyName = "login" | "failure" | "address" | "replay";

/** At most `limit` admissions in any window of `windowMs` milliseconds. */
export interface Policy {
  readonly name: PolicyName;
  readonly limit: number;
  readonly windowMs: number;
}

/** One admission asked of one policy, counted under `key`. */
export interface Charge {
  readonly policy: Policy;
  readonly key: string;
}

/** Where a policy stands after a decision. */
export interface PolicyState {
  readonly policy: Policy;
  /** Admissions left in the window that ends now. */
  readonly remaining: number;
  /** Milliseconds until the next slot is freed; 0 when none is taken. */
  readonly resetMs: number;
}

/** A policy's state as a caller is told of it. */
export interface LimitState extends PolicyState {
  /** When it was decided, in unix milliseconds: what resetMs counts from. */
  readonly decidedAt: number;
}

/** What became of a list of charges. */
export interface Verdict {
  /** The place in the list of the first charge that was denied; -1 when all were admitted. */
  readonly denied: number;
  /** One state a charge, in the order of the list; undefined where it was not looked at, a denial being known already. */
  readonly states: readonly (PolicyState | undefined)[];
}

/**
 * Decides charges by an exact sliding window. Obligations:
 * - a charge is admitted if and only if fewer than `limit` admissions of its key lie in (now - window, now];
 * - the charges of one call are admitted together or not at all; what is denied neither counts nor extends anything;
 * - a denial that this process knows of may be told without looking at the other charges;
 * - limits over 256 may be counted in sub-windows that round towards denial: never more than `limit` are admitted;
 * - a clock that steps backward admits no more, and locks nobody out for longer than a window;
 * - where the state cannot be reached it throws AuthError `unavailable`, or decides by a rule that bounds what is admitted.
 */
export interface Limiter {
  /** Decides; `now` in unix milliseconds (an implementation may prefer its store's own clock). */
  charge(charges: readonly Charge[], now: number): Promise<Verdict>;
  /** Whether the state can be reached; `degraded` where charges are decided without it. Rejects when they are not. */
  ping(): Promise<"ok" | "degraded">;
}

/** What a customer key is for: to sign logins, or to derive boards' own keys from. */
export type KeyPurpose = "login" | "derivation";

/** A secret that proves logins, by the id it can be named with in logs. */
export interface ProvingKey {
  readonly keyId: string;
  /** `derivation`: it was derived for this device. */
  readonly purpose: KeyPurpose;
  readonly secret: KeyObject;
}

/** What a login needs to know of a device; of a name that is nobody's, a decoy that looks like one. */
export interface Credential {
  readonly deviceKey: string;
  /** False: a decoy, whose keys prove nothing. */
  readonly enrolled: boolean;
  readonly customerId: string;
  /** False when the device or its customer is disabled. */
  readonly enabled: boolean;
  /** A fleet uses this one device_key: limits are counted per address too. */
  readonly sharedIdentity: boolean;
  /** A pair of device_key and timestamp is good once. */
  readonly replayGuard: boolean;
  /** What its customer has in place of the `login` policy; undefined: nothing. */
  readonly loginLimit: Policy | "off" | undefined;
  /** The live keys, at most MAX_PROVING_KEYS; any of them proves a login. */
  readonly keys: readonly ProvingKey[];
  /**
   * Since when it is on its way from a shared key to one of its own, in unix milliseconds: both prove a login, until `settle`
   * says otherwise. Undefined: it is not.
   */
  readonly movingSince: number | undefined;
  readonly marks: RevocationMarks;
  /** When one of its keys begins or ends to be good, in unix milliseconds: from then on it has to be found anew. */
  readonly validUntil: number;
}

/**
 * What changes whenever tokens of a device are taken back. Tokens are good while all of it is as it was when they were issued: see
 * core/token-id.ts.
 */
export interface RevocationMarks {
  readonly customerId: string;
  /** When the device was enrolled, in unix milliseconds: a former one of its name was another. */
  readonly createdAt: number;
  /** Of the device, and of its customer; 0: none yet. */
  readonly device: number;
  readonly customer: number;
}

/** Whether a device's tokens may be good; of a name that is nobody's, it is not enrolled. */
export interface Standing {
  readonly enrolled: boolean;
  /** False when the device or its customer is disabled. */
  readonly enabled: boolean;
  readonly marks: RevocationMarks;
}

/** A customer has at most this many live keys per purpose, so that a rotation can overlap. */
export const MAX_LIVE_KEYS = 3;

/**
 * For so long after a device's key_mode was set, in milliseconds, some gateway may go by what it was before: no login by its own
 * key is answered, and it is not moved to derived keys. Twice the time in which gateways act on a change, since a commit may take
 * some, and the clocks of two gateways are not one.
 */
export const KEY_MODE_HOLD_MS = 2_000;

/** No token lives longer than a day, in milliseconds: it is how long those that were taken back are remembered. */
export const LONGEST_TOKEN_LIFE_MS = 86_400_000;

/** How far the clocks of two gateways may be apart, in milliseconds: a token of one is checked by the other. */
export const CLOCKS_APART_MS = 300_000;

/** A device that is moving has the keys of both purposes. */
export const MAX_PROVING_KEYS = 2 * MAX_LIVE_KEYS;

/** What a look-up found. */
export interface Lookup {
  readonly credential: Credential;
  /** So many derivations fewer than MAX_LIVE_KEYS this look-up has cost. */
  readonly derivationsSaved: number;
  /**
   * Asks the database for all that this look-up answered from memory. Whoever is about to refuse a proof does so, and spends
   * the derivations: or time would tell a device that was seen lately, one with a key of its own, and a name that is nobody's
   * from one another. A right proof may tell. @returns the same credential where nothing has changed
   */
  recheck(now: number): Promise<Lookup>;
}

/**
 * Finds credentials. Obligations: a name that is nobody's costs what a device does, but for the derivations;
 * throws AuthError `unavailable` when the store cannot be asked.
 */
export interface CredentialStore {
  find(deviceKey: string, now: number): Promise<Lookup>;
  /** Without its keys: those may be lost, and a token is none the worse. `stored`: whatever is remembered, the database is asked. */
  findStanding(deviceKey: string, now: number, from: "remembered" | "stored"): Promise<Standing>;
  /**
   * Decides a right proof of a device that is moving, whatever was found before: one by a derived key ends the move, and
   * that is on disk once this resolves; one by a shared key counts only while no derived one has.
   * @returns whether the proof counts
   */
  settle(deviceKey: string, purpose: KeyPurpose, now: number): Promise<boolean>;
}

/** The claims of a token that differ from login to login; the rest is the signer's own. */
export interface Subject {
  readonly deviceKey: string;
  readonly customerId: string;
  readonly marks: RevocationMarks;
}

/**
 * Signs tokens (RFC 7519). Obligations: `ready` is cheap and true only when `sign` would succeed; `sign` gives a
 * compact JWS with the claims of the contract; the private key never leaves it.
 */
export interface TokenSigner {
  readonly expiresInSeconds: number;
  ready(): boolean;
  sign(subject: Subject, now: number): Promise<string>;
}

/** What a token says of whoever has it. */
export interface TokenClaims extends Pick<Subject, "deviceKey" | "customerId"> {
  /** Names the token. */
  readonly jti: string;
  /** The claim iat, in unix seconds. */
  readonly issuedAt: number;
  /** The claim exp, in unix seconds. */
  readonly expiresAt: number;
}

/**
 * Verifies tokens by themselves. Obligations: takes what this gateway's signer makes and nothing else; throws AuthError
 * `expired`, `invalid`, `revoked` for one whose key was, `unavailable` when it cannot be told; whatever comes costs no more than
 * one signature to look at, and is never repeated.
 */
export interface TokenVerifier {
  verify(token: string, now: number): Promise<TokenClaims>;
}

/**
 * Tokens that were taken back one by one. Obligations: knows of what any gateway has taken back until a second ago, and throws
 * AuthError `unavailable` when it cannot.
 */
export interface TokenRevocations {
  isRevoked(jti: string): boolean | Promise<boolean>;
}

/** A public key as JWKS publishes it (RFC 7517), private members absent. */
export interface PublicJwk {
  readonly kid: string;
  readonly kty: string;
  readonly alg: string;
  readonly use: "sig";
  readonly [member: string]: string;
}
