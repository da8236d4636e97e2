// Keys that a login may be signed with: live ones, and those of another time or purpose.

import { createHmac, createSecretKey } from "node:crypto";
import { stateOf } from "../registry/key-usage.ts";
import type { CustomerSecret, Device } from "../registry/ports.ts";
import { DERIVATION_LABEL, deriveDeviceKey } from "../signature.ts";
import { inWords } from "./clock.ts";
import { type Finding, finding } from "./findings.ts";

/** A secret as it is flashed. */
export interface CandidateKey {
  readonly keyId: string;
  readonly bytes: Buffer;
  /** The gateway accepts a signature of this key now. */
  readonly good: boolean;
  /** Facts about a signature of this key; a good key may have some. */
  readonly findings: readonly Finding[];
}

/** The newest keys of a customer that are tried. */
const MOST_KEYS = 24;

/** Lists the keys to try, good ones first. `secrets` are the customer's, newest first. */
export function candidateKeys(
  device: Device,
  sentDeviceKey: string | undefined,
  secrets: readonly CustomerSecret[],
  now: number,
): readonly CandidateKey[] {
  const tried = secrets.slice(0, MOST_KEYS);
  const isDerived = device.keyMode === "derived";
  const flashed = tried.map((secret): CandidateKey => {
    const { keyId, purpose } = secret;
    const isDue = isDerived === (purpose === "derivation");
    const isMoving = isDerived && device.acceptsShared && purpose === "login";
    const isLive = stateOf(secret, now) === "live";
    const newest = tried.find((other) => other.purpose === purpose && stateOf(other, now) === "live");
    const findings: Finding[] = [];
    if (!isDue && !isMoving) findings.push(finding(purpose === "login" ? "shared_key" : "derived_key", keyId));
    if (!isLive) findings.push(explainState(secret, now));
    else if (isMoving) findings.push(finding("moving", keyId));
    else if (newest !== undefined && newest !== secret) findings.push(finding("older_key", keyId, newest.keyId));
    return { keyId, bytes: asFlashed(secret, device.deviceKey), good: isLive && (isDue || isMoving), findings };
  });
  const strays = tried.flatMap((secret) => strayKeys(secret, device.deviceKey, sentDeviceKey));
  return [...flashed.filter(({ good }) => good), ...flashed.filter(({ good }) => !good), ...strays];
}

function explainState({ keyId, retiredAt, notBefore, expiresAt }: CustomerSecret, now: number): Finding {
  if (retiredAt !== undefined) return finding("retired_key", keyId, inWords((now - retiredAt) / 1000));
  if (notBefore > now) return finding("pending_key", keyId, inWords((notBefore - now) / 1000));
  return finding("expired_key", keyId, inWords((now - (expiresAt ?? now)) / 1000));
}

function asFlashed({ purpose, secret }: CustomerSecret, deviceKey: string): Buffer {
  if (purpose === "login") return Buffer.from(secret);
  return Buffer.from(deriveDeviceKey(createSecretKey(secret), deviceKey));
}

/** Keys that no device may sign with. */
function strayKeys(secret: CustomerSecret, named: string, sent: string | undefined): CandidateKey[] {
  const { keyId, purpose } = secret;
  const stray = (bytes: Buffer, about: Finding): CandidateKey => ({ keyId, bytes, good: false, findings: [about] });
  const derive = (text: string): Buffer =>
    Buffer.from(createHmac("sha256", createSecretKey(secret.secret)).update(text).digest("hex"));
  if (purpose === "login") {
    return [stray(derive(`${DERIVATION_LABEL}\0${named}`), finding("wrong_derivation", keyId))];
  }
  return [
    stray(Buffer.from(secret.secret), finding("derivation_key", keyId)),
    ...(sent === undefined || sent === named
      ? []
      : [stray(asFlashed(secret, sent), finding("other_boards_key", keyId))]),
    stray(derive(named), finding("wrong_derivation", keyId)),
  ];
}
