// Explains a login that went wrong: which mistake it is. Knows no protocol and no database, and tells no secret.

import { readDeviceKey } from "./device-key.ts";
import { type CandidateKey, candidateKeys, type KeyOwner } from "./explain/candidate-keys.ts";
import { candidateMessages } from "./explain/candidate-messages.ts";
import { explainClock } from "./explain/clock.ts";
import { type Finding, finding } from "./explain/findings.ts";
import { keylessSlips } from "./explain/key-slips.ts";
import { type Match, searchSignature } from "./explain/search.ts";
import { type LoginReader, readSentLogin, type SentLogin } from "./explain/sent-login.ts";
import type { Customer, CustomerKeyStore, CustomerStore, Device, DeviceStore } from "./registry/ports.ts";

/** A login as it was received. */
export interface ReceivedLogin {
  /** The device that was meant to log in. */
  readonly deviceKey: string;
  /** The request's body, byte for byte. */
  readonly body: Uint8Array;
  /** When it was received, in unix milliseconds; undefined: now. */
  readonly receivedAt: number | undefined;
}

export interface Explanation {
  /**
   * Whether this very request, received when it was, would be let in by the gateway as it is now: with the keys that are
   * live now, and but for its limits.
   */
  readonly wouldSucceed: boolean;
  /** In the order in which the gateway would refuse them; never empty. */
  readonly findings: readonly Finding[];
}

/** Explains a login. Throws AuthError `malformed` where the named device_key is none, and what the stores throw. */
export type ExplainLogin = (login: ReceivedLogin) => Promise<Explanation>;

export interface ExplainLoginDependencies extends LoginReader {
  readonly devices: Pick<DeviceStore, "find">;
  readonly customers: Pick<CustomerStore, "find">;
  readonly customerKeys: Pick<CustomerKeyStore, "secretsOf">;
  /** How far a timestamp may be from now, in milliseconds, either way. */
  readonly skewMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Builds the use-case over its ports. */
export function createExplainLogin(dependencies: ExplainLoginDependencies): ExplainLogin {
  const { devices, customers, customerKeys, skewMs, now: clock } = dependencies;

  return async function explainLogin(received) {
    const now = clock();
    const receivedAt = received.receivedAt ?? now;
    const named = readDeviceKey(received.deviceKey);
    const sent = readSentLogin(received.body, dependencies);

    const findings: Finding[] = [];
    const seconds = sent.timestamp?.seconds;
    const clockMistake =
      seconds === undefined ? undefined : explainClock(seconds, receivedAt, skewMs, received.receivedAt === undefined);
    if (clockMistake !== undefined) findings.push(clockMistake);
    if (sent.deviceKey !== undefined && sent.deviceKey !== named) findings.push(otherDeviceKey(sent.deviceKey, named));

    const device = await devices.find(named);
    if (device === undefined) {
      return { wouldSucceed: false, findings: [...sent.mistakes, ...findings, finding("unknown_device")] };
    }
    const customer = await customers.find(device.customerId);
    const { opened: secrets } = await customerKeys.secretsOf(device.customerId);
    const proof = await withCandidates({ device, sentDeviceKey: sent.deviceKey, secrets, now }, async (keys) => ({
      isLive: keys.some(({ good }) => good),
      leaked: keys.find((key) => isIn(key, sent.text))?.keyId,
      match: await matchOf(sent, named, receivedAt, device, keys),
    }));
    const { match } = proof;
    if (!proof.isLive) findings.push(finding("no_live_key", device.keyMode === "derived" ? "derivation" : "login"));
    const warnings = proof.leaked === undefined ? [] : [finding("key_sent", proof.leaked)];
    const mistakes = withoutWhatIsExplained(sent.mistakes, match);
    const states = disablings(device, customer);
    const wouldSucceed = mistakes.length + findings.length + states.length === 0 && match?.right === true;
    return {
      wouldSucceed,
      findings: [...mistakes, ...findings, ...verdict(sent, match, device, states, wouldSucceed), ...warnings],
    };
  };
}

/** Makes the keys that are to be tried, and overwrites them, and what they are made of, when they have been. */
async function withCandidates<Result>(
  owner: KeyOwner,
  use: (keys: readonly CandidateKey[]) => Promise<Result>,
): Promise<Result> {
  let keys: readonly CandidateKey[] = [];
  try {
    keys = candidateKeys(owner);
    return await use(keys);
  } finally {
    for (const { bytes } of keys) bytes.fill(0);
    for (const { secret } of owner.secrets) secret.fill(0);
  }
}

/** A secret that is too short to be told from other text is not looked for. */
const LEAST_SECRET = 12;

function isIn({ bytes }: CandidateKey, text: string): boolean {
  return bytes.length >= LEAST_SECRET && text.includes(bytes.toString("utf8"));
}

function otherDeviceKey(sent: string, named: string): Finding {
  if (sent.trim() === named) return finding("other_device_key", "It has white space around it");
  if (sent.toLowerCase() === named.toLowerCase()) {
    return finding("other_device_key", "It differs in upper and lower case");
  }
  return finding("other_device_key", "If that one was meant then have it explained by that name");
}

async function matchOf(
  sent: SentLogin,
  named: string,
  receivedAt: number,
  device: Device,
  keys: readonly CandidateKey[],
): Promise<Match | undefined> {
  if (sent.signature === undefined) return undefined;
  const messages = candidateMessages({
    deviceKey: sent.deviceKey || named,
    namedDeviceKey: named,
    timestamp: sent.timestamp,
    receivedAt,
    body: sent.text,
    unsignedBody: sent.unsignedText,
  });
  const names = { device_key: named, customer_id: device.customerId };
  const keyIds = Object.fromEntries(keys.map(({ keyId }) => [`key_id ${keyId}`, keyId]));
  const keyless = keylessSlips({ ...names, ...keyIds });
  const keyLabels = [named, "customer_key", "key", "device_key"];
  return searchSignature({ keys, keyless, keyLabels, messages, signature: sent.signature });
}

/** What the search says of a signature's form, it says more exactly than the form alone does. */
const EXACT: readonly string[] = [
  "signature_truncated",
  "signature_too_long",
  "hex_without_zeros",
  "sign_extended_hex",
  "other_hash",
];

function withoutWhatIsExplained(mistakes: readonly Finding[], match: Match | undefined): readonly Finding[] {
  const exact = match?.findings.some(({ code }) => EXACT.includes(code)) === true;
  return exact ? mistakes.filter(({ code }) => code !== "signature_shape") : mistakes;
}

function disablings({ status }: Device, customer: Customer | undefined): Finding[] {
  return [
    ...(status === "disabled" ? [finding("device_disabled")] : []),
    ...(customer?.status === "enabled" ? [] : [finding("customer_disabled")]),
  ];
}

/** What is to be said of the signature and after it. */
function verdict(
  { signature }: SentLogin,
  match: Match | undefined,
  { replayGuard }: Device,
  states: readonly Finding[],
  wouldSucceed: boolean,
): readonly Finding[] {
  if (match === undefined) return signature === undefined ? states : [finding("no_known_mistake"), ...states];
  if (!match.right) return [...match.findings, ...states];
  const keyId = match.key?.keyId ?? "";
  if (!wouldSucceed) return [...match.findings, ...states, finding("signature_right", keyId)];
  const replay = replayGuard ? " or the same timestamp was used before" : "";
  return [finding("nothing_wrong", keyId, replay), ...match.findings];
}
