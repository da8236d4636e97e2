// THE PATH of a login: read -> fresh -> known -> proven -> admitted -> signed. Knows no protocol, driver or clock.

import { type KeyObject, randomBytes } from "node:crypto";
import { readDeviceKey } from "./device-key.ts";
import type { AuthError } from "./errors.ts";
import { checkFresh, readTimestamp } from "./freshness.ts";
import type {
  Charge,
  Credential,
  CredentialStore,
  Limiter,
  LimitState,
  Lookup,
  Policy,
  PolicyName,
  PolicyState,
  ProvingKey,
  TokenSigner,
  Verdict,
} from "./ports.ts";
import { KEY_MODE_HOLD_MS, MAX_PROVING_KEYS } from "./ports.ts";
import { disabled, invalidCredentials, movedJustNow, rateLimited, replayed, unsigned } from "./refusals.ts";
import { findProvingKey, readSignature, secretFromText, spendDerivations } from "./signature.ts";

/** A login as it was sent, of no protocol. */
export interface LoginRequest {
  readonly deviceKey: string;
  readonly timestamp: bigint | undefined;
  readonly deviceSignature: string;
}

/** Who sent it, as far as the limits care. */
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
  /** The state of the `login` policy; undefined when that limit is off. */
  readonly limit: LimitState | undefined;
}

/** The limits in force; undefined is off. */
export interface LoginPolicies {
  readonly login: Policy | undefined;
  readonly failure: Policy | undefined;
  /** The policy of an address; asked for each login, so it has to be quick. */
  readonly address: (address: string) => Policy | undefined;
  readonly replay: Policy;
}

export interface LoginDependencies {
  readonly credentials: Pick<CredentialStore, "find" | "settle">;
  readonly limiter: Limiter;
  readonly signer: TokenSigner;
  readonly policies: LoginPolicies;
  /** How far a timestamp may be from now, in milliseconds, either way. */
  readonly skewMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The use-case: exchanges a signed login for a token, or throws the AuthError that says why not. */
export type LogIn = (request: LoginRequest, caller: Caller) => Promise<Login>;

/** Builds the use-case over its ports. */
export function createLogIn({ credentials, limiter, signer, policies, skewMs, now: clock }: LoginDependencies): LogIn {
  const decoy = secretFromText(randomBytes(32).toString("hex"));

  return async function logIn(request, { address }) {
    const now = clock();

    // 1. Read: is it a login at all?
    const deviceKey = readDeviceKey(request.deviceKey);
    const timestamp = readTimestamp(request.timestamp);
    const signature = readSignature(request.deviceSignature);

    // 2. Fresh: before any look-up, where a refusal reveals and costs nothing.
    checkFresh(timestamp, now, skewMs);

    // 3. Known: an unknown device goes on, with a decoy.
    const found = await credentials.find(deviceKey, now);

    // 4. Proven. A proof that is refused has cost the same, whatever the name. A shared key of a device that is moving counts by
    // what is on disk now, whatever was found.
    const match: MatchKey = (keys) =>
      keys[findProvingKey(keys, decoy, MAX_PROVING_KEYS, timestamp, deviceKey, signature)];
    const { credential, key } = await prove(found, now, match, decoy);
    const name = credential.deviceKey;
    const isOwn = key?.purpose === "derivation";
    // An error counts for the address, never a right proof of an enabled device: its neighbours cannot lock it out.
    const refuse = async (error: typeof disabled): Promise<AuthError> => {
      const failure = chargeOf(policies.failure, `${address} ${deviceKey}`);
      const charges = [failure, chargeOf(policies.address(address), address)];
      return refusal(await admit(limiter, charges, clock()), "failure", error);
    };
    if (
      !credential.enrolled ||
      key === undefined ||
      (isMoving(credential) && !isOwn && !(await credentials.settle(name, key.purpose, now)))
    ) {
      throw await refuse(invalidCredentials);
    }
    if (!credential.enabled) throw await refuse(disabled);
    const heldMs = isOwn ? holdOf(credential, now) : 0;
    if (heldMs > 0) throw movedJustNow(heldMs);
    if (!signer.ready()) throw unsigned();

    // 5. Admitted: one round trip decides everything that is left, in the order of precedence. The clock is read again,
    // since a limiter takes a time before one that it has seen for a step of the clock.
    // By the name that is kept anyway: what was cut out of a request would keep all of it, for as long as it is counted.
    const login = chargeOf(loginPolicy(credential, policies), credential.sharedIdentity ? `${name} ${address}` : name);
    const replay = credential.replayGuard ? chargeOf(policies.replay, `${deviceKey} ${timestamp}`) : undefined;
    const verdict = await admit(limiter, [login, replay], clock());
    if (verdict.denied !== undefined) throw refusal(verdict, "login", replayed);

    // A device's first login by its own key ends its move: on disk before it is answered.
    if (isMoving(credential) && isOwn && !(await credentials.settle(name, key.purpose, now)))
      throw invalidCredentials(undefined);

    // 6. Signed.
    const { customerId, marks } = credential;
    const token = await signer.sign({ deviceKey, customerId, marks }, now);

    // 7. Answered: by whoever called.
    return {
      token,
      expiresInSeconds: signer.expiresInSeconds,
      customerId,
      keyId: key.keyId,
      limit: verdict.stateOf("login"),
    };
  };
}

type MatchKey = (keys: readonly ProvingKey[]) => ProvingKey | undefined;

interface Proof {
  readonly credential: Credential;
  /** The key that made it; undefined: none did. */
  readonly key: ProvingKey | undefined;
}

/** Which key made a proof. One that no key made is held once more against what is there now, at one cost for every name. */
async function prove(found: Lookup, now: number, match: MatchKey, decoy: KeyObject): Promise<Proof> {
  const key = match(found.credential.keys);
  if (key !== undefined) return { credential: found.credential, key };
  const { credential, derivationsSaved } = await found.recheck(now);
  spendDerivations(derivationsSaved, decoy, credential.deviceKey);
  return { credential, key: credential === found.credential ? undefined : match(credential.keys) };
}

function isMoving({ movingSince }: Credential): boolean {
  return movingSince !== undefined;
}

/** How long a login by a device's own key is to wait, in milliseconds. A move in the future is a clock's mistake, not a move. */
function holdOf({ movingSince }: Credential, now: number): number {
  if (movingSince === undefined || movingSince > now) return 0;
  return Math.max(0, movingSince + KEY_MODE_HOLD_MS - now);
}

function chargeOf(policy: Policy | undefined, key: string): Charge | undefined {
  return policy && { policy, key };
}

function loginPolicy({ loginLimit }: Credential, policies: LoginPolicies): Policy | undefined {
  return loginLimit === "off" ? undefined : (loginLimit ?? policies.login);
}

/** A verdict, looked at by policy. */
interface Admission {
  /** The state of the policy that denied. */
  readonly denied: LimitState | undefined;
  stateOf(name: PolicyName): LimitState | undefined;
}

const NO_CHARGES: Verdict = { denied: -1, states: [] };

async function admit(limiter: Limiter, charges: readonly (Charge | undefined)[], now: number): Promise<Admission> {
  const due = charges.filter((charge) => charge !== undefined);
  const verdict = due.length === 0 ? NO_CHARGES : await limiter.charge(due, now);
  const { denied, states } = verdict;
  const decided = (state: PolicyState | undefined): LimitState | undefined => state && { ...state, decidedAt: now };
  return {
    denied: decided(states[denied]),
    stateOf: (name) => decided(states.find((state) => state?.policy.name === name)),
  };
}

/** The error that an admission amounts to: a limit that denied, or else the answer that was due anyway. */
function refusal(
  admission: Admission,
  decisive: PolicyName,
  otherwise: (limit: LimitState | undefined) => AuthError,
): AuthError {
  const { denied } = admission;
  if (denied !== undefined && denied.policy.name !== "replay") return rateLimited(denied);
  return otherwise(admission.stateOf(decisive));
}
