// Devices of one customer, their signed logins, and the check of answers.

import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { type Algorithm, type LoginBody, TOKEN_SECONDS } from "./contract.ts";

export interface Fleet {
  readonly customerKey: string;
  readonly deviceKeys: readonly string[];
}

/** A login's answer, in any protocol. */
export interface Answer {
  readonly token: string;
  readonly expiresIn: number;
}

/** Creates a fleet of new names, which no limit has counted. */
export function createFleet(size: number): Fleet {
  return {
    customerKey: randomBytes(32).toString("hex"),
    deviceKeys: Array.from({ length: size }, () => randomUUID()),
  };
}

/** A login with a right proof. */
export function signLogin(customerKey: string, deviceKey: string, timestamp: number): LoginBody {
  const signature = createHmac("sha256", customerKey).update(`${timestamp}${deviceKey}`).digest("hex");
  return { device_key: deviceKey, timestamp, device_signature: signature };
}

/** Checks that an answer is a token of this device. @throws Error otherwise: the load is void */
export function checkAnswer({ token, expiresIn }: Answer, deviceKey: string, algorithm: Algorithm): void {
  const [head, claims, signature] = String(token).split(".");
  if (head === undefined || claims === undefined || signature?.length !== SIGNATURE_LENGTHS[algorithm])
    throw new Error(`no ${algorithm} token: ${token}`);
  if (decode(head)["alg"] !== algorithm) throw new Error(`not signed with ${algorithm}: ${token}`);
  const { sub, iat, exp } = decode(claims);
  if (sub !== deviceKey || Number(exp) - Number(iat) !== TOKEN_SECONDS || expiresIn !== TOKEN_SECONDS)
    throw new Error(`the wrong claims for ${deviceKey}: ${token}`);
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}

/** 256 bytes of RSA-2048 and 64 of Ed25519, in base64url. */
const SIGNATURE_LENGTHS: Readonly<Record<Algorithm, number>> = { RS256: 342, EdDSA: 86 };
