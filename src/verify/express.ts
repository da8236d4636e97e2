// Middleware for Express, and for every framework with node:http's request and response.
// biome-ignore-all lint/performance/noBarrelFile: an entry of package.json's exports is one file

import { errorResponse } from "./error-response.ts";
import { checkRequest, type RequireTokenOptions } from "./require-token.ts";
import type { Verifier } from "./verifier.ts";

export { identityOf, type RequireTokenOptions } from "./require-token.ts";

export interface RequestLike {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface ResponseLike {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** Lets requests with a valid token through and answers the others: 401, or 503 without the issuer's keys. */
export function requireToken(
  verifier: Verifier,
  options?: RequireTokenOptions,
): (request: RequestLike, response: ResponseLike, next: (error?: unknown) => void) => Promise<void> {
  return async (request, response, next) => {
    let error: Awaited<ReturnType<typeof checkRequest>>;
    try {
      error = await checkRequest(verifier, request.headers, request, options);
    } catch (fault) {
      return next(fault);
    }
    if (error === undefined) return next();
    const { status, headers, body } = errorResponse(error);
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.end(body);
  };
}
