// The check of a login's proof, as the peers without one of their own make it. Knows node:crypto alone.

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { SKEW_SECONDS } from "./contract.ts";
import type { Fleet } from "./fleet.ts";

export type ProofRefusal = "clock_skew" | "invalid_credentials";

/** Undefined when the proof holds. */
export type CheckProof = (deviceKey: string, timestamp: number, signature: string) => ProofRefusal | undefined;

export function createProofCheck(fleet: Fleet): CheckProof {
  const secret = createSecretKey(fleet.customerKey, "utf8");
  const secrets = new Map<string, KeyObject>(fleet.deviceKeys.map((deviceKey) => [deviceKey, secret]));
  return (deviceKey, timestamp, signature) => {
    if (Math.abs(Math.floor(Date.now() / 1000) - timestamp) > SKEW_SECONDS) return "clock_skew";
    const key = secrets.get(deviceKey);
    if (key === undefined) return "invalid_credentials";
    const expected = createHmac("sha256", key).update(`${timestamp}${deviceKey}`).digest();
    const given = Buffer.from(signature, "hex");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "invalid_credentials";
    return undefined;
  };
}
