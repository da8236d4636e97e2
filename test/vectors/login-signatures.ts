// The signing vectors of login-signatures.json, for tests of an implementation.

import { readFileSync } from "node:fs";

interface LoginVector {
  readonly note: string;
  readonly customer_key: string;
  readonly customer_key_hex: string;
  readonly device_key: string;
  readonly timestamp: number;
  readonly message: string;
  readonly device_signature: string;
}

interface DerivedKeyVector {
  readonly note: string;
  readonly derivation_key: string;
  readonly derivation_key_hex: string;
  readonly device_key: string;
  readonly derived_key: string;
}

const file: { logins: readonly LoginVector[]; derived_keys: readonly DerivedKeyVector[] } = JSON.parse(
  readFileSync(new URL("login-signatures.json", import.meta.url), "utf8"),
);

export const loginVectors = file.logins;
export const derivedKeyVectors = file.derived_keys;
