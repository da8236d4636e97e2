// The charges of a login, their outcome, and a device's current limit.

import { AuthError } from "./errors.ts";
import { readDeviceKey } from "./login-fields.ts";
import type { Charge, Credential, CredentialStore, Limiter, LimitState, Policy, PolicyName, Verdict } from "./ports.ts";
import { doesNotExist } from "./registry/names.ts";

/** The limits in force; undefined: off. */
export interface LoginPolicies {
  readonly login: Policy | undefined;
  readonly failure: Policy | undefined;
  /** The policy of an address. */
  readonly address: (address: string) => Policy | undefined;
  /** The replay guard of a signed login. */
  readonly replay: Policy;
}

type Limited = Pick<Credential, "deviceKey" | "sharedIdentity" | "replayGuard" | "loginLimit">;

/** A proof as the replay guard counts it. */
export interface Counted {
  /** The proof's name, unique within its device: a timestamp in Unix seconds, or a jti. */
  readonly name: string;
  /** Accepted only once, even without the device's replay guard. */
  readonly isOnce: boolean;
  /** How much longer the proof is valid than a signed login, in milliseconds. */
  readonly extraMs: number;
}

/** The charges of a proven login: `login`, and `replay` with the replay guard or an assertion. */
export function loginCharges(
  { deviceKey, sharedIdentity, replayGuard, loginLimit }: Limited,
  address: string,
  { name, isOnce, extraMs }: Counted,
  policies: LoginPolicies,
): readonly Charge[] {
  const replay = { ...policies.replay, windowMs: policies.replay.windowMs + extraMs };
  return [
    ...loginCharge({ deviceKey, sharedIdentity, loginLimit }, address, policies.login),
    ...chargeOf(isOnce || replayGuard ? replay : undefined, `${deviceKey} ${name}`),
  ];
}

/** The charge of the login limit alone; empty where it is off. `usual` is the gateway's default limit. */
function loginCharge(
  { deviceKey, sharedIdentity, loginLimit }: Omit<Limited, "replayGuard">,
  address: string,
  usual: Policy | undefined,
): readonly Charge[] {
  const login = loginLimit === "off" ? undefined : (loginLimit ?? usual);
  return chargeOf(login, sharedIdentity ? `${deviceKey} ${address}` : deviceKey);
}

/** The charges of a refused login: `failure` and `address`. */
export function failureCharges(
  { deviceKey }: Pick<Credential, "deviceKey">,
  address: string,
  policies: LoginPolicies,
): readonly Charge[] {
  return [...chargeOf(policies.failure, `${address} ${deviceKey}`), ...chargeOf(policies.address(address), address)];
}

function chargeOf(policy: Policy | undefined, key: string): readonly Charge[] {
  return policy === undefined ? [] : [{ policy, key }];
}

export interface Charged {
  /** The state of the policy that denied. */
  readonly denied: LimitState | undefined;
  stateOf(name: PolicyName): LimitState | undefined;
}

const NO_CHARGES: Verdict = { denied: -1, states: [] };

/** Asks the limiter for the charges, all or none. `now` in Unix milliseconds. */
export async function charge(
  limiter: Pick<Limiter, "charge">,
  charges: readonly Charge[],
  now: number,
): Promise<Charged> {
  const { denied, states } = charges.length === 0 ? NO_CHARGES : await limiter.charge(charges, now);
  const decided = (state: Verdict["states"][number]): LimitState | undefined => state && { ...state, decidedAt: now };
  return {
    denied: decided(states[denied]),
    stateOf: (name) => decided(states.find((state) => state?.policy.name === name)),
  };
}

/** The error for a spent limit, with the wait until its next slot. */
export function rateLimited(limit: LimitState): AuthError {
  const message = `too many ${SPENT[limit.policy.name]} and wait for the seconds of retry-after`;
  return new AuthError("rate_limited", message, { limit, retryAfterMs: limit.resetMs });
}

const SPENT = {
  login: "logins of this device in this time frame. Keep the token for as long as it lives",
  failure: "wrong signatures for this device from this address in this time frame. Check the customer key",
  address: "refused logins from this address in this time frame. Check the customer keys",
  replay: "logins with one proof. Sign again with the current time",
} satisfies Record<PolicyName, string>;

/**
 * Reads the login limit of a device, undefined if it is off; `address` matters for a shared identity, whose limit is counted per
 * address. @throws AuthError `malformed`, `does_not_exist`, `unavailable`
 */
export type ReadDeviceLimit = (
  deviceKey: string,
  address: string,
) => Promise<{ readonly limit: LimitState | undefined; readonly perAddress: boolean }>;

/** A charge that is always denied, so that the login charge of the same call is only read. */
const NONE: Policy = { name: "replay", limit: 0, windowMs: 1 };

/** `login` is the gateway's own limit; undefined: off. `now` in Unix milliseconds. */
export function createReadDeviceLimit(
  credentials: Pick<CredentialStore, "find">,
  limiter: Pick<Limiter, "charge">,
  login: Policy | undefined,
  now: () => number,
): ReadDeviceLimit {
  return async (deviceKey, address) => {
    const at = now();
    const credential = await credentials.find(readDeviceKey(deviceKey), at);
    if (!credential.enrolled) throw doesNotExist("device");
    const charges = loginCharge(credential, address, login).flatMap((one) => [one, { ...one, policy: NONE }]);
    const { stateOf } = await charge(limiter, charges, at);
    return { limit: stateOf("login"), perAddress: credential.sharedIdentity };
  };
}
