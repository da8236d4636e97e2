// What the signature alone costs: the floor under every server that answers with a token.

import { CompactSign, type CryptoKey, generateKeyPair } from "jose";

const BATCH = 16;
const BATCHES = 40;
/** As many bytes as the claims of a login have. */
const PAYLOAD = new Uint8Array(230).fill(0x20);

/** Makes the measure: CPU of one RS256 signature by jose, over RSA-2048, in microseconds. */
export async function createSignatureMeasure(): Promise<() => Promise<number>> {
  const { privateKey } = await generateKeyPair("RS256");
  await signBatches(privateKey);
  return async () => {
    const before = process.cpuUsage();
    await signBatches(privateKey);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (BATCH * BATCHES);
  };
}

async function signBatches(key: CryptoKey): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch++) {
    await Promise.all(
      Array.from({ length: BATCH }, () =>
        new CompactSign(PAYLOAD).setProtectedHeader({ alg: "RS256", typ: "JWT" }).sign(key),
      ),
    );
  }
}
