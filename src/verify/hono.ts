// Middleware for Hono, on any runtime. Knows the shape of its context, and no package.

import { VerifyError } from "./errors.ts";
import { identityIn, keepIdentity } from "./identities.ts";
import type { Identity } from "./identity.ts";
import { refusalOf } from "./refusal.ts";
import { type RequireTokenOptions, tellOfRefusal } from "./require-token.ts";
import { tokenOf } from "./sent-token.ts";
import type { Verifier } from "./verifier.ts";

export type { RequireTokenOptions };

/** What of a context is looked at. */
export interface ContextLike {
  readonly req: { header(name: string): string | undefined };
}

/** Lets requests with a good token through; the others it answers: 401, or 503 while the issuer's keys cannot be had. */
export function requireToken(
  verifier: Verifier,
  options?: RequireTokenOptions,
): (context: ContextLike, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (context, next) => {
    const headers = { get: (name: string) => context.req.header(name) };
    try {
      keepIdentity(context, await verifier.verify(tokenOf(headers, options)));
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      tellOfRefusal(error, options);
      const { body, ...init } = refusalOf(error);
      return new Response(body, init);
    }
    await next();
    return undefined;
  };
}

/** Whose request it is. @throws TypeError where `requireToken` has not run */
export function identityOf(context: ContextLike): Identity {
  return identityIn(context);
}
