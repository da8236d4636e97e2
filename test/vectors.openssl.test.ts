// The published vectors are equal to openssl's signatures.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { derivedKeyVectors, loginVectors } from "./vectors/login-signatures.ts";

function opensslHmac(keyHex: string, message: string): string {
  const { stdout, stderr, status } = spawnSync(
    "openssl",
    ["dgst", "-sha256", "-mac", "HMAC", "-macopt", `hexkey:${keyHex}`],
    { input: Buffer.from(message, "utf8"), encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return stdout.trim().split("= ").at(-1) ?? "";
}

test.for(loginVectors)(
  "openssl gives the same signature: $note",
  ({ customer_key_hex, timestamp, device_key, device_signature }) => {
    expect(opensslHmac(customer_key_hex, `${timestamp}${device_key}`)).toBe(device_signature);
  },
);

test.for(derivedKeyVectors)(
  "openssl derives the same key: $note",
  ({ derivation_key_hex, device_key, derived_key }) => {
    expect(opensslHmac(derivation_key_hex, `countersign device key v1\0${device_key}`)).toBe(derived_key);
  },
);
