// Taking one token back. Knows no protocol and no database.

import { malformed } from "../errors.ts";
import type { Actor, RevokedToken, RevokedTokenStore } from "./ports.ts";

export interface Tokens {
  /** From a second later on every gateway refuses the token. Not whether there is such a token: nothing is kept of those that are issued. */
  revoke(jti: string, actor: Actor): Promise<RevokedToken>;
  /** Forgets those that have expired. @returns whether there may be more */
  prune(): Promise<boolean>;
}

export interface TokensDependencies {
  readonly revokedTokens: RevokedTokenStore;
  readonly now: () => number;
}

/** A day, the longest that a token may live, and some for clocks. */
const KEPT_MS = 86_400_000 + 120_000;
const PRUNED_AT_ONCE = 1_000;
/** As long as anybody's: a UUID or a hash in hex. */
const JTI = /^[\w.~:-]{1,128}$/;

/** Reads a token's name. @throws AuthError `malformed` */
export function readJti(text: string): string {
  if (JTI.test(text)) return text;
  throw malformed(
    "jti is no name of a token. It has 1 to 128 letters and digits and hyphens and underscores and dots",
    "jti",
  );
}

/** Builds the use-cases. Each throws AuthError: `malformed`, or what the store refuses. */
export function createTokens({ revokedTokens, now }: TokensDependencies): Tokens {
  return {
    async revoke(jti, actor) {
      const name = readJti(jti);
      const at = now();
      return revokedTokens.insert(
        { jti: name, expiresAt: at + KEPT_MS },
        { actor, at, action: "RevokeToken", resource: `tokens/${name}`, customerId: "", details: {} },
      );
    },

    prune: async () => (await revokedTokens.prune(now(), PRUNED_AT_ONCE)) === PRUNED_AT_ONCE,
  };
}
