// A hook for Fastify. Knows the shape of its request and reply, and no package.

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

/** What of a reply is used. */
export interface ReplyLike {
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
  options?: RequireTokenOptions,
): (request: RequestLike, reply: ReplyLike) => Promise<unknown> {
  return async (request, reply) => {
    try {
      keepIdentity(request, await verifier.verify(tokenOf(request.headers, options)));
      return undefined;
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      tellOfRefusal(error, options);
      const { status, headers, body } = refusalOf(error);
      reply.code(status);
      reply.headers({ ...headers });
      return reply.send(body);
    }
  };
}

/** Whose request it is. @throws TypeError where `requireToken` has not run */
export function identityOf(request: RequestLike): Identity {
  return identityIn(request);
}
