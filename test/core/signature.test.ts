// The search for the key that made a proof.

import { createSecretKey, randomBytes, timingSafeEqual } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  computeSignature,
  deriveDeviceKey,
  equalSecrets,
  findHmacKey,
  secretFromText,
} from "../../src/core/signature.ts";

describe("findHmacKey", () => {
  const decoy = createSecretKey(randomBytes(32));
  const keyOf = (key: string, keyId: string, purpose: "login" | "derivation" = "login") => {
    const secret = secretFromText(key);
    return { keyId, purpose, secret, notBefore: 0, expiresAt: Number.POSITIVE_INFINITY };
  };
  const keys = {
    loginKeys: ["first", "second", "third"].map((key) => keyOf(key, key)),
    derivationKeys: [keyOf("a derivation key", "derivation", "derivation")],
  };
  const find = (proof: Buffer, { deviceKey = "device", timestamp = 1620045991, live = keys } = {}) =>
    findHmacKey({ deviceKey, ...live }, decoy, (secret) =>
      timingSafeEqual(computeSignature(secret, timestamp, deviceKey), proof),
    )?.keyId;
  const sign = (key: string): Buffer => computeSignature(secretFromText(key), 1620045991, "device");

  test("finds the key that made the proof", () => {
    for (const key of ["first", "second", "third"]) expect(find(sign(key))).toBe(key);
    const own = sign(deriveDeviceKey(secretFromText("a derivation key"), "device"));
    expect(find(own)).toBe("derivation");
    expect(find(own, { deviceKey: "other" })).toBeUndefined();
    expect(find(sign("first"), { timestamp: 1620045992 })).toBeUndefined();
  });

  test("rejects the decoy's own proof, and every proof without keys", () => {
    const byDecoy = computeSignature(decoy, 1620045991, "device");
    expect(find(byDecoy)).toBeUndefined();
    expect(find(byDecoy, { live: { loginKeys: [], derivationKeys: [] } })).toBeUndefined();
  });
});

test("equalSecrets compares text of any lengths", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      expect(equalSecrets(one, other)).toBe(one === other);
      expect(equalSecrets(one, one)).toBe(true);
    }),
  );
});
