// A hook for Fastify. Knows the shape of its request and reply, and no package.

import { VerifyError } from "./errors.ts";
import { identityIn, keepIdentity } from "./identities.ts";
import type { Identity } from "./identity.ts";
import { toHttp } from "./refusal.ts";
import { nodeHeaders, sentToken, type TokenPlace } from "./sent-token.ts";
import type { Verifier } from "./verifier.ts";

interface Request {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface Reply {
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body: string): unknown;
}

/**
 * An `onRequest` hook, of an instance (`app.addHook("onRequest", …)`, which holds for its plugin) or of one route. Lets requests with
 * a good token through; the others it answers: 401, or 503 while the issuer's keys cannot be had.
 */
export function requireToken(
  verifier: Verifier,
  place?: TokenPlace,
): (request: Request, reply: Reply) => Promise<unknown> {
  return async (request, reply) => {
    try {
      keepIdentity(request, await verifier.verify(sentToken(nodeHeaders(request.headers), place)));
      return undefined;
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      const { status, headers, body } = toHttp(error);
      reply.code(status);
      reply.headers({ ...headers });
      return reply.send(body);
    }
  };
}

/** Whose request it is. @throws TypeError where `requireToken` has not run */
export function identityOf(request: Request): Identity {
  return identityIn(request);
}
