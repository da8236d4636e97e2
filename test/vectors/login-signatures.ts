// The signing vectors of login-signatures.json, for tests of an implementation.

import vectors from "./login-signatures.json" with { type: "json" };

export const { logins: loginVectors, derived_keys: derivedKeyVectors } = vectors;
