// Keys that a login may be signed with: live ones, retired ones, and those of another purpose.

import { createSecretKey } from "node:crypto";
import { stateOf } from "../registry/customer-keys.ts";
import type { CustomerSecret, Device } from "../registry/ports.ts";
import { deriveDeviceKey } from "../signature.ts";
import { type Finding, finding, inWords } from "./findings.ts";

/** A secret as it is flashed. */
export interface CandidateKey {
  readonly keyId: string;
  readonly bytes: Buffer;
  /** The gateway accepts a signature of this key now. */
  readonly isValid: boolean;
  /** Findings about a login signed with this key; a valid key may have some too. */
  readonly findings: readonly Finding[];
}

/** The number of a customer's newest keys that are tried. */
const MOST_KEYS = 24;

/** Lists the keys to try, valid ones first. `secrets` are the customer's, newest first. */
export function candidateKeys(device: Device, secrets: readonly CustomerSecret[], now: number): CandidateKey[] {
  const tried = secrets.slice(0, MOST_KEYS);
  const flashed = tried.map((secret): CandidateKey => {
    const newest = tried.find((other) => other.purpose === secret.purpose && stateOf(other, now) === "live");
    const bytes =
      secret.purpose === "login"
        ? Buffer.from(secret.secret)
        : Buffer.from(deriveDeviceKey(createSecretKey(secret.secret), device.deviceKey));
    return { keyId: secret.keyId, bytes, ...judge(secret, device, newest, now) };
  });
  const derivationKeys = tried.flatMap(({ keyId, purpose, secret }): CandidateKey[] => {
    const message = `It is signed with the derivation key ${keyId} itself. Replace it and flash the key that derive-key prints`;
    const findings = [finding("derivation_key", message)];
    return purpose === "derivation" ? [{ keyId, bytes: Buffer.from(secret), isValid: false, findings }] : [];
  });
  return [...flashed.filter(({ isValid }) => isValid), ...flashed.filter(({ isValid }) => !isValid), ...derivationKeys];
}

function judge(
  secret: CustomerSecret,
  { keyMode, acceptsShared }: Device,
  newest: CustomerSecret | undefined,
  now: number,
): Pick<CandidateKey, "isValid" | "findings"> {
  const { keyId, purpose, notBefore, retiredAt, expiresAt = now } = secret;
  const isDue = (keyMode === "derived") === (purpose === "derivation");
  const isMoving = keyMode === "derived" && acceptsShared && purpose === "login";
  const state = stateOf(secret, now);
  const findings: Finding[] = [];
  const add = (code: string, message: string): number => findings.push(finding(code, `It is signed with ${message}`));
  const ago = (then: number): string => inWords((now - then) / 1000);
  if (!isDue && !isMoving) {
    if (purpose === "login")
      add("shared_key", `the shared key ${keyId}. Flash the key that derive-key prints for this device`);
    else add("derived_key", `a key derived from ${keyId}. Flash the shared key or set key mode derived`);
  }
  if (retiredAt !== undefined) add("retired_key", `key ${keyId} that was retired ${ago(retiredAt)} ago`);
  else if (notBefore > now) add("pending_key", `key ${keyId} that becomes valid in ${ago(notBefore)}`);
  else if (state !== "live") add("expired_key", `key ${keyId} that expired ${ago(expiresAt)} ago`);
  else if (isMoving) add("moving", `the shared key ${keyId}. It is refused once the move ends`);
  else if (newest !== undefined && newest !== secret) {
    add("older_key", `key ${keyId}. Key ${newest.keyId} is newer. Flash that one`);
  }
  return { isValid: state === "live" && (isDue || isMoving), findings };
}
