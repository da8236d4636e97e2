// Signatures equal to the published vectors, which another implementation made, and the search for the key of a proof.

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
import vectors from "../vectors/login-signatures.json" with { type: "json" };

test.for(vectors.logins)("a vector of a login equals our signature: $note", (vector) => {
  const secret = secretFromText(vector.customer_key);
  expect(`${vector.timestamp}${vector.device_key}`).toBe(vector.message);
  expect(computeSignature(secret, vector.timestamp, vector.device_key).toString("hex")).toBe(vector.device_signature);
});

test.for(vectors.derived_keys)("a vector of a derived key equals ours: $note", (vector) => {
  expect(Buffer.from(vector.derivation_key, "utf8").toString("hex")).toBe(vector.derivation_key_hex);
  expect(deriveDeviceKey(secretFromText(vector.derivation_key), vector.device_key)).toBe(vector.derived_key);
});

test("nothing separates timestamp and device_key: two vectors share message and signature", () => {
  const [one, other] = vectors.logins.filter(({ message }) => message === "16200459917abc");
  expect(one?.timestamp).not.toBe(other?.timestamp);
  expect(one?.device_signature).toBe(other?.device_signature);
});

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
