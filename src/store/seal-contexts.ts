// The context that each sealed secret is bound to: moved to another row, id or purpose it does not open.

/** A customer key's place. */
export function customerKeyContext(customerId: string, keyId: string, purpose: string): readonly string[] {
  return ["customer_key", customerId, keyId, purpose];
}

/** A signing key's place. */
export function signingKeyContext(kid: string, alg: string): readonly string[] {
  return ["signing_key", kid, alg];
}
