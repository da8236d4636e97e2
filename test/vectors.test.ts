// Our signatures are equal to the published vectors, which another implementation made.

import { expect, test } from "vitest";
import { computeSignature, deriveDeviceKey, secretFromText } from "../src/core/signature.ts";
import { derivedKeyVectors, loginVectors } from "./vectors/login-signatures.ts";

test.for(loginVectors)("a vector of a login equals our signature: $note", (vector) => {
  const secret = secretFromText(vector.customer_key);
  expect(`${vector.timestamp}${vector.device_key}`).toBe(vector.message);
  expect(computeSignature(secret, vector.timestamp, vector.device_key).toString("hex")).toBe(vector.device_signature);
});

test.for(derivedKeyVectors)("a vector of a derived key equals ours: $note", (vector) => {
  expect(Buffer.from(vector.derivation_key, "utf8").toString("hex")).toBe(vector.derivation_key_hex);
  expect(deriveDeviceKey(secretFromText(vector.derivation_key), vector.device_key)).toBe(vector.derived_key);
});

test("nothing separates timestamp and device_key: two vectors share message and signature", () => {
  const [one, other] = loginVectors.filter(({ message }) => message === "16200459917abc");
  expect(one?.timestamp).not.toBe(other?.timestamp);
  expect(one?.device_signature).toBe(other?.device_signature);
});
