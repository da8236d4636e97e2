// Middleware for Hono, on any runtime. Knows the shape of its context, and no package.

import { VerifyError } from "./errors.ts";
import { identityIn, keepIdentity } from "./identities.ts";
import type { Identity } from "./identity.ts";
import { toHttp } from "./refusal.ts";
import { sentToken, type TokenPlace } from "./sent-token.ts";
import type { Verifier } from "./verifier.ts";

interface Context {
  readonly req: { header(name: string): string | undefined };
}

/** Lets requests with a good token through; the others it answers: 401, or 503 while the issuer's keys cannot be had. */
export function requireToken(
  verifier: Verifier,
  place?: TokenPlace,
): (context: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (context, next) => {
    try {
      keepIdentity(context, await verifier.verify(sentToken((name) => context.req.header(name), place)));
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      const { body, ...init } = toHttp(error);
      return new Response(body, init);
    }
    await next();
    return undefined;
  };
}

/** Whose request it is. @throws TypeError where `requireToken` has not run */
export function identityOf(context: Context): Identity {
  return identityIn(context);
}
