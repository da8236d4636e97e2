// Middleware for Hono, on any runtime.
// biome-ignore-all lint/performance/noBarrelFile: an entry of package.json's exports is one file

import { errorResponse } from "./error-response.ts";
import { checkRequest, type RequireTokenOptions } from "./require-token.ts";
import type { Verifier } from "./verifier.ts";

export { identityOf, type RequireTokenOptions } from "./require-token.ts";

export interface ContextLike {
  readonly req: { header(name: string): string | undefined };
}

/** Lets requests with a valid token through and answers the others: 401, or 503 without the issuer's keys. */
export function requireToken(
  verifier: Verifier,
  options?: RequireTokenOptions,
): (context: ContextLike, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (context, next) => {
    const headers = { get: (name: string) => context.req.header(name) };
    const error = await checkRequest(verifier, headers, context, options);
    if (error !== undefined) {
      const { body, ...init } = errorResponse(error);
      return new Response(body, init);
    }
    await next();
    return undefined;
  };
}
