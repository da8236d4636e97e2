// Explains a failed login: names the mistake, shows no secret.

import { readDeviceKey } from "./device-key.ts";
import {
  type AssertionReader,
  explainAssertionProof,
  findAssertion,
  readSentAssertion,
  type SentAssertion,
} from "./explain/assertion.ts";
import { explainClock } from "./explain/clock.ts";
import { type Finding, finding } from "./explain/findings.ts";
import { type CandidateKey, candidateKeys } from "./explain/keys.ts";
import { findMistake } from "./explain/mistakes.ts";
import { type LoginReader, readSentLogin, type SentLogin } from "./explain/sent-login.ts";
import type { Customer, CustomerKeyStore, CustomerStore, Device, DeviceStore } from "./registry/ports.ts";

/** A login as the gateway received it. */
export interface ReceivedLogin {
  /** The device that was meant to log in. */
  readonly deviceKey: string;
  /** The request's body, byte for byte. */
  readonly body: Uint8Array;
  /** When the gateway received it, in unix milliseconds; undefined: now. */
  readonly receivedAt: number | undefined;
}

export interface Explanation {
  /** The gateway accepts this request, received at that time, with the keys that are live now; limits apart. */
  readonly wouldSucceed: boolean;
  /** In the order in which the gateway checks; never empty. */
  readonly findings: readonly Finding[];
}

/** Explains a login. @throws AuthError `malformed` for a bad `deviceKey`, and the errors of the stores */
export type ExplainLogin = (login: ReceivedLogin) => Promise<Explanation>;

export interface ExplainLoginDependencies extends LoginReader, AssertionReader {
  readonly devices: Pick<DeviceStore, "find">;
  readonly customers: Pick<CustomerStore, "find">;
  readonly customerKeys: Pick<CustomerKeyStore, "secretsOf">;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export function createExplainLogin(dependencies: ExplainLoginDependencies): ExplainLogin {
  const { devices, customers, customerKeys, skewMs, now: clock } = dependencies;

  return async function explainLogin(received) {
    const now = clock();
    const receivedAt = received.receivedAt ?? now;
    const named = readDeviceKey(received.deviceKey);
    // A larger one is refused before it is read, and hashing it would take long.
    const isReadable = received.body.length <= dependencies.maxLoginBytes;
    const assertion = isReadable ? findAssertion(received.body) : undefined;
    const sent =
      assertion === undefined
        ? readSentLogin(received.body, dependencies)
        : readSentAssertion(assertion, receivedAt, dependencies);

    const findings = [...sent.mistakes];
    if ("seconds" in sent && sent.seconds !== undefined)
      findings.push(...explainClock(sent.seconds, receivedAt, skewMs));
    if (sent.deviceKey !== undefined && sent.deviceKey !== named) findings.push(finding("other_device_key"));

    const device = await devices.find(named);
    if (device === undefined) return { wouldSucceed: false, findings: [...findings, finding("unknown_device")] };
    const customer = await customers.find(device.customerId);
    const stored = await customerKeys.secretsOf(device.customerId);
    const secrets = stored.flatMap(({ secret, ...key }) => (secret === undefined ? [] : [{ ...key, secret }]));
    let keys: readonly CandidateKey[] = [];
    try {
      keys = candidateKeys(device, sent.deviceKey, secrets, now);
      if (device.publicKey === "" && !keys.some(({ good }) => good)) {
        findings.push(finding("no_live_key", device.keyMode === "derived" ? "derivation" : "login"));
      }
      findings.push(...explainStatus(device, customer));
      const isFlawless = findings.length === 0;
      const proof =
        "parts" in sent
          ? explainAssertion(sent, device, keys, isFlawless)
          : explainProof(sent, device, keys, isFlawless);
      return { wouldSucceed: proof.right && findings.length === 0, findings: [...findings, ...proof.findings] };
    } finally {
      for (const { bytes } of keys) bytes.fill(0);
      for (const { secret } of secrets) secret.fill(0);
    }
  };
}

function explainAssertion(
  sent: SentAssertion,
  device: Device,
  keys: readonly CandidateKey[],
  isFlawless: boolean,
): { readonly right: boolean; readonly findings: readonly Finding[] } {
  const { isRight, findings, keyId } = explainAssertionProof(sent, device, keys);
  if (!isRight) return { right: false, findings };
  const verdict = isFlawless
    ? finding("nothing_wrong", keyId, " or its jti was used before")
    : finding("signature_right", keyId);
  return { right: true, findings: [verdict, ...findings] };
}

function explainStatus({ status }: Device, customer: Customer | undefined): Finding[] {
  return [
    ...(status === "disabled" ? [finding("device_disabled")] : []),
    ...(customer?.status === "enabled" ? [] : [finding("customer_disabled")]),
  ];
}

function explainProof(
  sent: SentLogin,
  device: Device,
  keys: readonly CandidateKey[],
  flawless: boolean,
): { readonly right: boolean; readonly findings: readonly Finding[] } {
  const leaked = keys.find((key) => isIn(key, sent.text));
  const warnings = leaked === undefined ? [] : [finding("key_sent", leaked.keyId)];
  // Its customer's keys prove nothing.
  if (device.publicKey !== "") return { right: false, findings: [finding("own_key_pair"), ...warnings] };
  if (sent.signature === undefined) return { right: false, findings: warnings };
  const match = findMistake({
    keys,
    signature: sent.signature,
    time: sent.seconds === undefined ? "" : String(sent.seconds),
    sentTime: sent.timestamp ?? "",
    deviceKey: sent.deviceKey ?? device.deviceKey,
    customerId: device.customerId,
    body: sent.text,
  });
  if (match === undefined) return { right: false, findings: [finding("no_known_mistake"), ...warnings] };
  const { key, mistake } = match;
  const right = key?.good === true && mistake === undefined;
  const about = [...(key?.findings ?? []), ...(mistake === undefined ? [] : [mistake])];
  if (!right) return { right, findings: [...about, ...warnings] };
  const verdict = flawless
    ? finding("nothing_wrong", key.keyId, device.replayGuard ? " or the same timestamp was used before" : "")
    : finding("signature_right", key.keyId);
  return { right, findings: [verdict, ...about, ...warnings] };
}

/** A shorter secret occurs in other text by chance. In bytes. */
const LEAST_SECRET = 12;

function isIn({ bytes }: CandidateKey, text: string): boolean {
  return bytes.length >= LEAST_SECRET && text.includes(bytes.toString("utf8"));
}
