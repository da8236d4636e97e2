// A hook for Fastify.
// biome-ignore-all lint/performance/noBarrelFile: an entry of package.json's exports is one file

import { errorResponse } from "./error-response.ts";
import { checkRequest, type RequireTokenOptions } from "./require-token.ts";
import type { Verifier } from "./verifier.ts";

export { identityOf, type RequireTokenOptions } from "./require-token.ts";

export interface RequestLike {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface ReplyLike {
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body: string): unknown;
}

/**
 * An `onRequest` hook of an instance (`app.addHook("onRequest", …)`, which holds for its plugin) or of one route. Lets requests
 * with a valid token through and answers the others: 401, or 503 without the issuer's keys.
 */
export function requireToken(
  verifier: Verifier,
  options?: RequireTokenOptions,
): (request: RequestLike, reply: ReplyLike) => Promise<unknown> {
  return async (request, reply) => {
    const error = await checkRequest(verifier, request.headers, request, options);
    if (error === undefined) return undefined;
    const { status, headers, body } = errorResponse(error);
    reply.code(status);
    reply.headers({ ...headers });
    return reply.send(body);
  };
}
