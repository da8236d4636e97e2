// THE PATH of a login: read -> fresh -> known -> proven -> admitted -> signed -> answered. Knows no protocol, driver or clock.

import { randomBytes } from "node:crypto";
import { charge, type LoginPolicies, loginCharges, refusalCharges } from "./charges.ts";
import { readDeviceKey } from "./device-key.ts";
import { checkFresh, readTimestamp } from "./freshness.ts";
import type { CredentialStore, Limiter, LimitState, TokenSigner } from "./ports.ts";
import { disabled, invalidCredentials, rateLimited, replayed, unsigned } from "./refusals.ts";
import { findProvingKey, readSignature, secretFromText } from "./signature.ts";

/** A login as it was sent, over whichever protocol. */
export interface LoginRequest {
  readonly deviceKey: string;
  readonly timestamp: bigint | undefined;
  readonly deviceSignature: string;
}

export interface Caller {
  /** The address that limits are counted under: an IPv4 address or an IPv6 /64. */
  readonly address: string;
}

/** A login that was admitted. */
export interface Login {
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly customerId: string;
  /** The customer key that proved it. */
  readonly keyId: string;
  /** When the device began to move to the key that it used, in unix milliseconds: the move is to be finished. */
  readonly movingSince: number | undefined;
  /** The state of the `login` policy; undefined when that limit is off. */
  readonly limit: LimitState | undefined;
}

export interface LoginDependencies {
  readonly credentials: Pick<CredentialStore, "find">;
  readonly limiter: Limiter;
  readonly signer: TokenSigner;
  readonly policies: LoginPolicies;
  /** How far a timestamp may be from now, in milliseconds, either way. */
  readonly skewMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The use-case: exchanges a signed login for a token. @throws AuthError */
export type LogIn = (request: LoginRequest, caller: Caller) => Promise<Login>;

/** Builds the use-case over its ports. */
export function createLogIn({ credentials, limiter, signer, policies, skewMs, now: clock }: LoginDependencies): LogIn {
  const decoy = secretFromText(randomBytes(32).toString("hex"));

  return async function logIn(request, { address }) {
    const now = clock();

    // 1. Read: an error names the exact mistake.
    const deviceKey = readDeviceKey(request.deviceKey);
    const timestamp = readTimestamp(request.timestamp);
    const signature = readSignature(request.deviceSignature);

    // 2. Fresh: before any look-up.
    checkFresh(timestamp, now, skewMs);

    // 3. Known: an unknown device goes on as a decoy.
    const credential = await credentials.find(deviceKey, now);

    // 4. Proven: a wrong proof costs the same whatever the device. An error is charged to the address.
    const key = findProvingKey(credential, decoy, timestamp, signature);
    const isProven = key !== undefined && credential.enrolled;
    if (!isProven || !credential.enabled) {
      const { denied, stateOf } = await charge(limiter, refusalCharges(credential, address, policies), clock());
      if (denied !== undefined) throw rateLimited(denied);
      throw isProven ? disabled(stateOf("failure")) : invalidCredentials(stateOf("failure"));
    }
    if (!signer.ready()) throw unsigned();

    // 5. Admitted: one round trip.
    const { denied, stateOf } = await charge(limiter, loginCharges(credential, address, timestamp, policies), clock());
    if (denied !== undefined) throw denied.policy.name === "replay" ? replayed(stateOf("login")) : rateLimited(denied);

    // 6. Signed.
    const { customerId, marks } = credential;
    const token = await signer.sign({ deviceKey: credential.deviceKey, customerId, marks }, now);

    // 7. Answered.
    const movingSince = key.purpose === "derivation" ? credential.movingSince : undefined;
    const { expiresInSeconds } = signer;
    return { token, expiresInSeconds, customerId, keyId: key.keyId, movingSince, limit: stateOf("login") };
  };
}
