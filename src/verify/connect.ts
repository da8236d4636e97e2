// An interceptor for Connect's servers. Knows the shape of its requests and errors, and no package.

import { errorInfo } from "./error-details.ts";
import { VerifyError } from "./errors.ts";
import { exemptionOf, type InterceptorOptions } from "./exempt.ts";
import { identityIn, keepIdentity } from "./identities.ts";
import type { Identity } from "./identity.ts";
import { grpcCode, refusalHeaders } from "./refusal.ts";
import { tellOfRefusal } from "./require-token.ts";
import { tokenOf } from "./sent-token.ts";
import type { Verifier } from "./verifier.ts";

export type { InterceptorOptions as RequireTokenOptions };

/** What of a request is looked at. */
export interface RequestLike {
  readonly service: { readonly typeName: string };
  readonly method: { readonly name: string };
  readonly header: Headers;
  readonly contextValues: object;
}

/** What of a handler's context is looked at. */
export interface ContextLike {
  readonly values: object;
}

/** Lets calls with a good token through; the others it answers: unauthenticated, or unavailable while the keys cannot be had. */
export function requireToken(
  verifier: Verifier,
  options?: InterceptorOptions,
): <R extends RequestLike, A>(next: (request: R) => Promise<A>) => (request: R) => Promise<A> {
  const isExempt = exemptionOf(options);
  return (next) => async (request) => {
    if (isExempt(`/${request.service.typeName}/${request.method.name}`)) return next(request);
    const identity = await verifier.verify(tokenOf(request.header, options)).catch((error: unknown) => {
      if (!(error instanceof VerifyError)) throw error;
      tellOfRefusal(error, options);
      throw new ConnectRefusal(error);
    });
    keepIdentity(request.contextValues, identity);
    return next(request);
  };
}

/** Whose call it is, by the handler's context. @throws TypeError where `requireToken` has not run */
export function identityOf(context: ContextLike): Identity {
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
