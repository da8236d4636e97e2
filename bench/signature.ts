// Measures the signature alone: the floor under every server that answers with a token.

import { CompactSign, type CryptoKey, generateKeyPair } from "jose";
import type { Algorithm } from "./contract.ts";

const BATCH = 16;
const BATCHES = 40;
/** The length of a login's claims. */
const PAYLOAD = new Uint8Array(230).fill(0x20);

/** Makes the measure: CPU of one signature by jose, RSA keys being of 2048 bits, in microseconds. */
export async function createSignatureMeasure(algorithm: Algorithm): Promise<() => Promise<number>> {
  const { privateKey } = await generateKeyPair(algorithm);
  await signBatches(privateKey, algorithm);
  return async () => {
    const before = process.cpuUsage();
    await signBatches(privateKey, algorithm);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (BATCH * BATCHES);
  };
}

async function signBatches(key: CryptoKey, alg: Algorithm): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch++) {
    await Promise.all(
      Array.from({ length: BATCH }, () => new CompactSign(PAYLOAD).setProtectedHeader({ alg, typ: "JWT" }).sign(key)),
    );
  }
}
