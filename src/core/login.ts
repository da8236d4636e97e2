// THE PATH of a login: read -> fresh -> known -> proven -> admitted -> signed -> answered. Knows no protocol, driver or clock.

import { timingSafeEqual } from "node:crypto";
import {
  type Assertion,
  checkAssertionTime,
  findAssertionKey,
  LONGEST_ASSERTION_S,
  nameOfAssertion,
} from "./assertion.ts";
import { type Counted, charge, failureCharges, type LoginPolicies, loginCharges, rateLimited } from "./charges.ts";
import { AuthError, unsigned } from "./errors.ts";
import { checkFresh, readDeviceKey, readSignature, readTimestamp } from "./login-fields.ts";
import type { Credential, CredentialStore, Limiter, LimitState, TokenSigner } from "./ports.ts";
import { computeSignature, type Decoys, findHmacKey, makeDecoys, type ProvingKey } from "./signature.ts";

/** A signed login, as sent over any protocol. */
export interface SignedLogin {
  readonly deviceKey: string;
  readonly timestamp: bigint | undefined;
  readonly deviceSignature: string;
}

/** A login by a signature, or by an assertion. */
export type LoginRequest = SignedLogin | Assertion;

export interface Caller {
  /** The address that limits are counted under: an IPv4 address or an IPv6 /64. */
  readonly address: string;
}

/** A login that was admitted. */
export interface Login {
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly customerId: string;
  /** The customer key that proved the login. */
  readonly keyId: string;
  /** When the device's move to the key of this login began, in Unix milliseconds; the caller ends the move. Undefined without a move. */
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
  const decoys = makeDecoys();

  return async function logIn(request, { address }) {
    const now = clock();

    // 1. Read: an error names the exact mistake.
    const deviceKey = readDeviceKey(request.deviceKey);
    const proof = "jti" in request ? proofOfAssertion(request) : readProof(request);

    // 2. Fresh: before any look-up.
    proof.checkFresh(now, skewMs);

    // 3. Known: a decoy takes the place of an unknown device.
    const credential = await credentials.find(deviceKey, now);

    // 4. Proven: a wrong proof takes the same time for every device. A refused login is charged to the address.
    const key = proof.findKey(credential, decoys);
    const isProven = key !== undefined && credential.enrolled;
    if (!isProven || !credential.enabled) {
      const { denied, stateOf } = await charge(limiter, failureCharges(credential, address, policies), clock());
      if (denied !== undefined) throw rateLimited(denied);
      const limit = stateOf("failure");
      throw isProven
        ? new AuthError("disabled", "this device or its customer is disabled. Ask the operator", { limit })
        : new AuthError("invalid_credentials", proof.unproven, { limit });
    }
    if (!signer.ready()) throw unsigned();

    // 5. Admitted: one round trip to the limiter.
    const { denied, stateOf } = await charge(limiter, loginCharges(credential, address, proof, policies), clock());
    if (denied?.policy.name === "replay") throw new AuthError("replayed", proof.replayed, { limit: stateOf("login") });
    if (denied !== undefined) throw rateLimited(denied);

    // 6. Signed.
    const { customerId, marks } = credential;
    const token = await signer.sign({ deviceKey: credential.deviceKey, customerId, marks }, now);

    // 7. Answered.
    const movingSince = key.purpose === "derivation" ? credential.movingSince : undefined;
    const { expiresInSeconds } = signer;
    return { token, expiresInSeconds, customerId, keyId: key.keyId, movingSince, limit: stateOf("login") };
  };
}

/** The proof in a login, of either kind. */
interface Proof extends Counted {
  /** The message for a wrong proof, which does not say what is wrong. */
  readonly unproven: string;
  /** The message for a proof that was used before. */
  readonly replayed: string;
  /** @throws AuthError `clock_skew`, `malformed` */
  readonly checkFresh: (now: number, skewMs: number) => void;
  readonly findKey: (credential: Credential, decoys: Decoys) => ProvingKey | undefined;
}

/** @throws AuthError `malformed` */
function readProof(request: SignedLogin): Proof {
  const timestamp = readTimestamp(request.timestamp);
  const signature = readSignature(request.deviceSignature);
  return {
    unproven: "device_key is unknown or device_signature is not made with its customer key",
    replayed: "this proof was used before. Sign again with the current time",
    name: String(timestamp),
    isOnce: false,
    extraMs: 0,
    checkFresh: (now, skewMs) => checkFresh(timestamp, now, skewMs),
    findKey: (credential, decoys) =>
      findHmacKey(credential, decoys.secret, (secret) =>
        timingSafeEqual(computeSignature(secret, timestamp, credential.deviceKey), signature),
      ),
  };
}

function proofOfAssertion(assertion: Assertion): Proof {
  return {
    unproven: "sub is an unknown device or client_assertion is not signed with its key",
    replayed: "this jti was used before. Make a new one for each login",
    name: nameOfAssertion(assertion),
    isOnce: true,
    extraMs: LONGEST_ASSERTION_S * 1_000,
    checkFresh: (now, skewMs) => checkAssertionTime(assertion, now, skewMs),
    findKey: (credential, decoys) => findAssertionKey(credential, assertion, decoys),
  };
}
