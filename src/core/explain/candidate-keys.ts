// The keys that a login may have been signed with: the right ones, those that are right no longer or for others, and what
// firmware makes of a key by mistake. Knows no message.

import { createHmac, createSecretKey } from "node:crypto";
import { stateOf } from "../registry/key-state.ts";
import type { CustomerSecret, Device } from "../registry/ports.ts";
import { DERIVATION_LABEL, deriveDeviceKey } from "../signature.ts";
import { inWords } from "./durations.ts";
import { type Finding, finding } from "./findings.ts";

/** A secret as it would be flashed, and what it means that it was. */
export interface CandidateKey {
  readonly keyId: string;
  readonly bytes: Buffer;
  /** It proves a login of this device now. */
  readonly good: boolean;
  /** What is to be said of a signature that is made with it; may be something although it is good. */
  readonly findings: readonly Finding[];
}

/** So many keys of a customer are tried, the newest first: more than can be live, and bounded. */
const MOST_KEYS = 24;

export interface KeyOwner {
  readonly device: Device;
  /** The device_key of the body, where it has one. */
  readonly sentDeviceKey: string | undefined;
  /** Every key of its customer, the newest first. */
  readonly secrets: readonly CustomerSecret[];
  /** Unix milliseconds. */
  readonly now: number;
}

/** The keys to try, the likeliest first. */
export function candidateKeys({ device, sentDeviceKey, secrets, now }: KeyOwner): readonly CandidateKey[] {
  const tried = secrets.slice(0, MOST_KEYS);
  const derived = device.keyMode === "derived";
  const newest = (one: CustomerSecret): CustomerSecret | undefined =>
    tried.find((other) => other.purpose === one.purpose && isLive(other, now));

  const keys = tried.flatMap((secret): CandidateKey[] => {
    const { keyId, purpose } = secret;
    const due = derived === (purpose === "derivation");
    const tolerated = derived && device.acceptsShared && purpose === "login";
    const live = isLive(secret, now);
    const about: Finding[] = [];
    if (!due && !tolerated) about.push(finding(purpose === "login" ? "shared_key" : "derived_key", keyId));
    const end = live ? undefined : explainState(secret, now);
    if (end !== undefined) about.push(end);
    if (live && tolerated) about.push(finding("moving", keyId));
    const newer = newest(secret);
    if (live && newer !== undefined && newer !== secret) about.push(finding("older_key", keyId, newer.keyId));
    return [{ keyId, bytes: asFlashed(secret, device.deviceKey), good: live && (due || tolerated), findings: about }];
  });
  const strays = tried.flatMap((secret) => strayKeys(secret, device.deviceKey, sentDeviceKey));
  // What a device is due comes before what it is only let in by, and that before what is good no more.
  const rank = (key: CandidateKey): number => (key.good ? (key.findings.some(isMoving) ? 1 : 0) : 2);
  return [...keys.toSorted((one, other) => rank(one) - rank(other)), ...strays];
}

function isMoving({ code }: Finding): boolean {
  return code === "moving";
}

function isLive(secret: CustomerSecret, now: number): boolean {
  return stateOf(secret, now) === "live";
}

/** Why a key that is not live is not. */
function explainState({ keyId, retiredAt, notBefore, expiresAt }: CustomerSecret, now: number): Finding {
  if (retiredAt !== undefined) return finding("retired_key", keyId, inWords((now - retiredAt) / 1000));
  if (notBefore > now) return finding("pending_key", keyId, inWords((notBefore - now) / 1000));
  return finding("expired_key", keyId, inWords((now - (expiresAt ?? now)) / 1000));
}

function asFlashed({ purpose, secret }: CustomerSecret, deviceKey: string): Buffer {
  if (purpose === "login") return Buffer.from(secret);
  return Buffer.from(deriveDeviceKey(createSecretKey(secret), deviceKey));
}

/** What no device is ever to sign with. */
function strayKeys(secret: CustomerSecret, named: string, sent: string | undefined): CandidateKey[] {
  const { keyId, purpose } = secret;
  const stray = (bytes: Buffer, about: Finding): CandidateKey => ({ keyId, bytes, good: false, findings: [about] });
  const wrong = (how: string, ...parts: readonly string[]): CandidateKey => {
    const hmac = createHmac("sha256", createSecretKey(secret.secret));
    for (const part of parts) hmac.update(part);
    return stray(Buffer.from(hmac.digest("hex")), finding("wrong_derivation", keyId, how));
  };
  if (purpose === "login") return [wrong("It is no derivation key", DERIVATION_LABEL, "\0", named)];
  const others = sent === undefined || sent === named ? [] : [sent];
  const raw = Buffer.from(secret.secret);
  return [
    stray(raw, finding("derivation_key", keyId)),
    ...others.map((other) => stray(asFlashed(secret, other), finding("other_boards_key", keyId))),
    wrong("The label was left out", named),
    wrong("The zero byte after the label was left out", DERIVATION_LABEL, named),
    wrong("There was a line break after the device_key", DERIVATION_LABEL, "\0", named, "\n"),
  ];
}
