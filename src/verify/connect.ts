// An interceptor for Connect's servers. Knows the shape of its requests and errors, and no package.

import { VerifyError } from "./errors.ts";
import { identityIn, keepIdentity } from "./identities.ts";
import type { Identity } from "./identity.ts";
import { errorInfo, grpcCode, refusalHeaders } from "./refusal.ts";
import { sentToken, type TokenPlace } from "./sent-token.ts";
import type { Verifier } from "./verifier.ts";

interface Request {
  readonly header: Headers;
  readonly contextValues: object;
}

interface HandlerContext {
  readonly values: object;
}

/** Lets calls with a good token through; the others it answers: unauthenticated, or unavailable while the keys cannot be had. */
export function requireToken(
  verifier: Verifier,
  place?: TokenPlace,
): <R extends Request, A>(next: (request: R) => Promise<A>) => (request: R) => Promise<A> {
  return (next) => async (request) => {
    const read = (name: string): string | undefined => request.header.get(name) ?? undefined;
    const identity = await verifier.verify(sentToken(read, place)).catch((error: unknown) => {
      throw error instanceof VerifyError ? new ConnectRefusal(error) : error;
    });
    keepIdentity(request.contextValues, identity);
    return next(request);
  };
}

/** Whose call it is, by the handler's context. @throws TypeError where `requireToken` has not run */
export function identityOf(context: HandlerContext): Identity {
  return identityIn(context.values);
}

/** Connect knows its errors by their members, not by their class, so that two copies of it can meet. */
class ConnectRefusal extends Error {
  readonly code: number;
  readonly rawMessage: string;
  readonly metadata: Headers;
  readonly details: readonly { readonly type: string; readonly value: Uint8Array }[];

  constructor(cause: VerifyError) {
    super(cause.message, { cause });
    this.name = "ConnectError";
    this.code = grpcCode(cause);
    this.rawMessage = cause.message;
    this.metadata = new Headers(refusalHeaders(cause));
    this.details = [{ type: "google.rpc.ErrorInfo", value: errorInfo(cause) }];
  }
}
