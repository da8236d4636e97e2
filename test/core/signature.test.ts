// Signatures against published vectors, and the search for a proof's key.

import { createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
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

describe("findHmacKey", () => {
  const decoy = createSecretKey(randomBytes(32));
  const keyOf = (keyId: string, purpose: "login" | "derivation") => {
    return { keyId, purpose, secret: secretFromText(keyId), notBefore: 0, expiresAt: Number.POSITIVE_INFINITY };
  };
  const live = {
    loginKeys: ["first", "second", "third"].map((keyId) => keyOf(keyId, "login")),
    derivationKeys: [keyOf("derivation", "derivation")],
  };
  const sign = (secret: KeyObject | string): Buffer => computeSignature(secret, 1620045991, "device");
  const find = (proof: Buffer, keys = live, deviceKey = "device") =>
    findHmacKey({ deviceKey, ...keys }, decoy, (secret) => timingSafeEqual(sign(secret), proof))?.keyId;

  test("finds the key that made the proof", () => {
    for (const key of ["first", "second", "third"]) expect(find(sign(key))).toBe(key);
    const own = sign(deriveDeviceKey(secretFromText("derivation"), "device"));
    expect(find(own)).toBe("derivation");
    expect(find(own, live, "other")).toBeUndefined();
  });

  test("rejects the decoy's own proof, and every proof without keys", () => {
    expect(find(sign(decoy))).toBeUndefined();
    expect(find(sign(decoy), { loginKeys: [], derivationKeys: [] })).toBeUndefined();
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
