// The ports of the use-cases, and the obligations of their implementations. Knows no driver and no protocol.

import type { KeyObject } from "node:crypto";

/** The limits of a login; `replay` is the replay guard, a limit of one. */
export type PolicyName = "login" | "failure" | "address" | "replay";

/** At most `limit` admissions in any window of `windowMs` milliseconds. */
export interface Policy {
  readonly name: PolicyName;
  readonly limit: number;
  readonly windowMs: number;
}

/** A request for one admission under one policy, counted by `key`. */
export interface Charge {
  readonly policy: Policy;
  readonly key: string;
}

/** The state of a policy after a decision. */
export interface PolicyState {
  readonly policy: Policy;
  /** Admissions left in the window that ends now. */
  readonly remaining: number;
  /** Milliseconds until the next slot is freed; 0 when none is taken. */
  readonly resetMs: number;
}

/** A policy's state as a caller sees it. */
export interface LimitState extends PolicyState {
  /** When the policy decided, in Unix milliseconds. resetMs counts from then. */
  readonly decidedAt: number;
}

/** The decision on a list of charges. */
export interface Verdict {
  /** The index of the first denied charge; -1 when all were admitted. */
  readonly denied: number;
  /** One state for each charge, in the order of the list; undefined for a charge that was skipped after a denial. */
  readonly states: readonly (PolicyState | undefined)[];
}

/**
 * Decides charges by an exact sliding window. Obligations:
 * - a charge is admitted if and only if fewer than `limit` admissions of its key lie in (now - window, now];
 * - the charges of one call are admitted together or not at all; a denied charge neither counts nor extends anything;
 * - a limit of 0 always denies: the states of the other charges of the call are read, and nothing is counted;
 * - when this process already knows that a charge is denied, the other charges may stay undecided;
 * - limits over 256 may be counted in sub-windows that round towards denial: never more than `limit` are admitted;
 * - when the clock steps backward, no more than `limit` are admitted, and nobody is denied for longer than a window;
 * - where the state cannot be reached it throws AuthError `unavailable`, or decides by a rule that bounds what is admitted.
 */
export interface Limiter {
  /** Decides; `now` in Unix milliseconds (an implementation may prefer its store's own clock). */
  charge(charges: readonly Charge[], now: number): Promise<Verdict>;
  /** Whether the state can be reached; `degraded` where charges are decided without it. Rejects when they cannot be decided. */
  ping(): Promise<"ok" | "degraded">;
}

/** The purpose of a customer key: to sign logins, or to derive boards' own keys. */
export type KeyPurpose = "login" | "derivation";

/** A customer has at most this many live keys per purpose, so that a rotation can overlap. */
export const MAX_LIVE_KEYS = 3;

/** A secret of a customer, unsealed. */
export interface CustomerKey {
  readonly keyId: string;
  readonly purpose: KeyPurpose;
  readonly secret: KeyObject;
  /** Unix milliseconds. */
  readonly notBefore: number;
  /** Unix milliseconds; infinite for a key that does not expire. */
  readonly expiresAt: number;
}

/** The facts that a login needs of a device; a decoy's for an unknown device. */
export interface Credential {
  readonly deviceKey: string;
  /** False for a decoy, whose keys prove nothing. */
  readonly enrolled: boolean;
  readonly customerId: string;
  /** False when the device or its customer is disabled. */
  readonly enabled: boolean;
  /** A fleet uses this device_key: limits are counted per address too. */
  readonly sharedIdentity: boolean;
  /** A pair of device_key and timestamp is accepted once. */
  readonly replayGuard: boolean;
  /** The customer's own login limit; undefined means the default. */
  readonly loginLimit: Policy | "off" | undefined;
  /** A public key that replaces the customer's keys, in base64 of a SubjectPublicKeyInfo; empty: none. */
  readonly publicKey: string;
  /** Live keys that sign the device's logins, at most MAX_LIVE_KEYS, the newest first. */
  readonly loginKeys: readonly CustomerKey[];
  /** Live keys that the device's own keys derive from, at most MAX_LIVE_KEYS, the newest first. */
  readonly derivationKeys: readonly CustomerKey[];
  /**
   * When the device began to move from a shared key to its own, in Unix milliseconds: both prove a login until the move ends. Undefined
   * without a move.
   */
  readonly movingSince: number | undefined;
  readonly marks: RevocationMarks;
}

/** The revocation state of a device. A token is valid while this state is the same as at its issue (registry/revocation.ts). */
export interface RevocationMarks {
  readonly customerId: string;
  /** When the device was enrolled, in Unix milliseconds: an earlier device of the same name is a different device. */
  readonly createdAt: number;
  /** Last revocation of the device and of its customer, in Unix milliseconds; 0: none yet. */
  readonly device: number;
  readonly customer: number;
}

/** The facts that decide whether a token is still valid; an unknown device is not enrolled. */
export interface Standing {
  readonly enrolled: boolean;
  /** False when the device or its customer is disabled. */
  readonly enabled: boolean;
  readonly marks: RevocationMarks;
  /** The token was revoked by its jti. */
  readonly isRevoked: boolean;
}

/** The longest life of a token, a day, in milliseconds. */
export const LONGEST_TOKEN_LIFE_MS = 86_400_000;

/** Largest difference between the clocks of two gateways, in milliseconds. */
export const CLOCKS_APART_MS = 300_000;

/**
 * Reads committed rows, in one statement for each look-up: a change counts for every look-up that begins after it. An unknown device takes
 * as long as a known one. Rejects with AuthError `unavailable` when the store does not answer within about a second.
 */
export interface CredentialStore {
  find(deviceKey: string, now: number): Promise<Credential>;
  /** Reads no keys, since a token is valid even if they cannot be unsealed. */
  findStanding(deviceKey: string, jti: string): Promise<Standing>;
}

/** The claims of a token that differ from login to login; the signer adds the others. */
export interface TokenSubject {
  readonly deviceKey: string;
  readonly customerId: string;
  readonly marks: RevocationMarks;
}

/**
 * Signs tokens (RFC 7519). Obligations: `ready` is cheap and true only when `sign` would succeed; `sign` gives a
 * compact JWS with the claims of the contract; the private key never leaves the signer.
 */
export interface TokenSigner {
  readonly expiresInSeconds: number;
  ready(): boolean;
  sign(subject: TokenSubject, now: number): Promise<string>;
}

/** The claims of a token about its device. */
export interface TokenClaims extends Pick<TokenSubject, "deviceKey" | "customerId"> {
  /** The token's id. */
  readonly jti: string;
  /** The claim iat, in Unix seconds. */
  readonly issuedAt: number;
  /** The claim exp, in Unix seconds. */
  readonly expiresAt: number;
}

/** A public key as JWKS publishes it (RFC 7517), private members absent. */
export interface PublicJwk {
  readonly kid: string;
  readonly kty: string;
  readonly alg: string;
  readonly use: "sig";
  readonly [member: string]: string;
}
