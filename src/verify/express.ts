// Middleware for Express, and for anything that has node:http's request and response. Knows their shape, and no package.

import { VerifyError } from "./errors.ts";
import { identityIn, keepIdentity } from "./identities.ts";
import type { Identity } from "./identity.ts";
import { toHttp } from "./refusal.ts";
import { nodeHeaders, sentToken, type TokenPlace } from "./sent-token.ts";
import type { Verifier } from "./verifier.ts";

interface Request {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface Response {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** Lets requests with a good token through; the others it answers: 401, or 503 while the issuer's keys cannot be had. */
export function requireToken(
  verifier: Verifier,
  place?: TokenPlace,
): (request: Request, response: Response, next: (error?: unknown) => void) => Promise<void> {
  return async (request, response, next) => {
    try {
      keepIdentity(request, await verifier.verify(sentToken(nodeHeaders(request.headers), place)));
    } catch (error) {
      if (!(error instanceof VerifyError)) return next(error);
      const { status, headers, body } = toHttp(error);
      response.statusCode = status;
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.end(body);
      return;
    }
    next();
  };
}

/** Whose request it is. @throws TypeError where `requireToken` has not run */
export function identityOf(request: Request): Identity {
  return identityIn(request);
}
