// Explains a failed login: names the mistake, shows no secret.

import { type AssertionReader, explainAssertion, findAssertion, readSentAssertion } from "./explain/assertion.ts";
import { explainClock, type Finding, finding, type Proof } from "./explain/findings.ts";
import { type LoginReader, readSentLogin } from "./explain/sent-login.ts";
import { type CandidateKey, candidateKeys, explainSignature } from "./explain/signature.ts";
import { readDeviceKey } from "./login-fields.ts";
import type { CustomerKeyStore, CustomerStore, DeviceStore } from "./registry/ports.ts";

/** A login as the gateway received it. */
export interface ReceivedLogin {
  /** The device that was meant to log in. */
  readonly deviceKey: string;
  /** The request's body, byte for byte. */
  readonly body: Uint8Array;
  /** When the gateway received it, in Unix milliseconds; undefined: now. */
  readonly receivedAt: number | undefined;
}

export interface Explanation {
  /** The gateway accepts this request, received at that time, with the keys that are live now. Limits are not checked. */
  readonly wouldSucceed: boolean;
  /** In the order in which the gateway checks; never empty. */
  readonly findings: readonly Finding[];
}

/** Explains a login. @throws AuthError `malformed` for a malformed `deviceKey`, and the errors of the stores */
export type ExplainLogin = (login: ReceivedLogin) => Promise<Explanation>;

export interface ExplainLoginDependencies extends LoginReader, AssertionReader {
  readonly devices: Pick<DeviceStore, "find">;
  readonly customers: Pick<CustomerStore, "find">;
  readonly customerKeys: Pick<CustomerKeyStore, "secretsOf">;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export function createExplainLogin(dependencies: ExplainLoginDependencies): ExplainLogin {
  const { devices, customers, customerKeys, maxLoginBytes, skewMs, now: clock } = dependencies;

  return async function explainLogin({ deviceKey, body, receivedAt }) {
    const now = clock();
    const at = receivedAt ?? now;
    const named = readDeviceKey(deviceKey);
    // The gateway refuses a larger body before reading it, and hashing one would take long.
    const assertion = body.length > maxLoginBytes ? undefined : findAssertion(body);
    const sent =
      assertion === undefined ? readSentLogin(body, dependencies) : readSentAssertion(assertion, at, dependencies);

    const mistakes = [...sent.mistakes];
    if ("text" in sent && sent.time !== "") mistakes.push(...explainClock(Number(sent.time), at, skewMs));
    const refused = (last: Finding): Explanation => ({ wouldSucceed: false, findings: [...mistakes, last] });
    if (sent.deviceKey !== undefined && sent.deviceKey !== named) {
      const message = "The device_key in the body differs from the one you named. The gateway uses the one in the body";
      return refused(finding("other_device_key", message));
    }
    const device = await devices.find(named);
    if (device === undefined) {
      const message = "No device of this device_key is enrolled. Check its spelling or enrol it";
      return refused(finding("unknown_device", message));
    }
    if (device.status === "disabled") {
      mistakes.push(finding("device_disabled", "The device is disabled. Enable it to let it log in"));
    }
    if ((await customers.find(device.customerId))?.status !== "enabled") {
      const message = "The device's customer is disabled and so are all its devices";
      mistakes.push(finding("customer_disabled", message));
    }
    const stored = await customerKeys.secretsOf(device.customerId);
    const secrets = stored.flatMap(({ secret, ...key }) => (secret === undefined ? [] : [{ ...key, secret }]));
    let keys: readonly CandidateKey[] = [];
    try {
      keys = candidateKeys(device, secrets, now);
      if (device.publicKey === "" && !keys.some(({ isValid }) => isValid)) {
        const purpose = device.keyMode === "derived" ? "derivation" : "login";
        mistakes.push(
          finding("no_live_key", `The customer has no live ${purpose} key that can be unsealed. Issue one`),
        );
      }
      const proof = "text" in sent ? explainSignature(sent, device, keys) : explainAssertion(sent, device, keys);
      const isFlawless = mistakes.length === 0 && proof.keyId !== undefined;
      return { wouldSucceed: isFlawless, findings: [...mistakes, ...explainProof(proof, isFlawless)] };
    } finally {
      for (const { bytes } of keys) bytes.fill(0);
      for (const { secret } of secrets) secret.fill(0);
    }
  };
}

function explainProof({ keyId, usedUp, findings }: Proof, isFlawless: boolean): readonly Finding[] {
  if (keyId === undefined) return findings;
  const verdict = isFlawless
    ? finding(
        "nothing_wrong",
        `Nothing is wrong with this login. It is signed with key ${keyId}. If it was refused then a limit was spent${usedUp}`,
      )
    : finding("signature_right", `The signature itself is right. It is made with key ${keyId}`);
  return [verdict, ...findings];
}
