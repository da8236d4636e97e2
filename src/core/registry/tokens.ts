// Taking one token back.

import { malformed } from "../errors.ts";
import { isTokenId } from "../ids.ts";
import { LONGEST_TOKEN_LIFE_MS } from "../ports.ts";
import type { Actor } from "./ports.ts";
import type { RevokedToken, RevokedTokenStore } from "./record-ports.ts";

export interface Tokens {
  /** Every gateway refuses the token from its next check on. It does not say whether the token exists: issued tokens are not stored. */
  revoke(jti: string, actor: Actor): Promise<RevokedToken>;
  /** Forgets those that have expired. @returns whether there may be more */
  prune(): Promise<boolean>;
}

export interface TokensDependencies {
  readonly revokedTokens: RevokedTokenStore;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The longest token, and a day for a gateway whose clock is ahead. */
const KEPT_MS = LONGEST_TOKEN_LIFE_MS + 86_400_000;
const PRUNED_AT_ONCE = 1_000;

/** Reads a token's name: what no token is named would be revoked in vain. @throws AuthError `malformed` */
function readJti(text: string): string {
  if (isTokenId(text)) return text;
  throw malformed(
    "jti is no name of a token. It has 20 letters and digits and hyphens and underscores. For all tokens of a device there is devices revoke-tokens",
    "jti",
  );
}

/** Each use-case throws AuthError: `malformed`, or an error of the store. */
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
