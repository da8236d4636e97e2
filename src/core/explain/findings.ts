// Findings about a login and its proof.

export interface Finding {
  /** Stable: programs match on it. */
  readonly code: string;
  /** For people: free of what grpc-js would percent-encode, and of any secret. */
  readonly message: string;
}

export function finding(code: string, message: string): Finding {
  return { code, message };
}

/** A login's proof, explained. */
export interface Proof {
  /** The good key that it is right for; undefined: it proves nothing. */
  readonly keyId?: string;
  /** Why a right proof may have been used up, as the end of a sentence. */
  readonly usedUp?: string;
  readonly findings: readonly Finding[];
}

export const OWN_KEY_PAIR = finding(
  "own_key_pair",
  "The device has a public key and signs with the private one alone. Sign by ES256 or EdDSA",
);
