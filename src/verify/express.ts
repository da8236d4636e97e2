// Middleware for Express, and for anything that has node:http's request and response. Knows their shape, and no package.

import { VerifyError } from "./errors.ts";
import { identityIn, keepIdentity } from "./identities.ts";
import type { Identity } from "./identity.ts";
import { refusalOf } from "./refusal.ts";
import { type RequireTokenOptions, tellOfRefusal } from "./require-token.ts";
import { tokenOf } from "./sent-token.ts";
import type { Verifier } from "./verifier.ts";

export type { RequireTokenOptions };

/** What of a request is looked at. */
export interface RequestLike {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What of a response is used. */
export interface ResponseLike {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** Lets requests with a good token through; the others it answers: 401, or 503 while the issuer's keys cannot be had. */
export function requireToken(
  verifier: Verifier,
  options?: RequireTokenOptions,
): (request: RequestLike, response: ResponseLike, next: (error?: unknown) => void) => Promise<void> {
  return async (request, response, next) => {
    try {
      keepIdentity(request, await verifier.verify(tokenOf(request.headers, options)));
    } catch (error) {
      if (!(error instanceof VerifyError)) return next(error);
      tellOfRefusal(error, options);
      const { status, headers, body } = refusalOf(error);
      response.statusCode = status;
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.end(body);
      return;
    }
    next();
  };
}

/** Whose request it is. @throws TypeError where `requireToken` has not run */
export function identityOf(request: RequestLike): Identity {
  return identityIn(request);
}
