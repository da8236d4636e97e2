// An interceptor for Connect's servers.

import { errorInfo, errorResponseHeaders, grpcCode } from "./error-response.ts";
import type { VerifyError } from "./errors.ts";
import { checkRequest, exemptionOf, type InterceptorOptions, identityOf as identityIn } from "./require-token.ts";
import type { Identity, Verifier } from "./verifier.ts";

export type { InterceptorOptions as RequireTokenOptions };

export interface RequestLike {
  readonly service: { readonly typeName: string };
  readonly method: { readonly name: string };
  readonly header: Headers;
  readonly contextValues: object;
}

export interface ContextLike {
  readonly values: object;
}

/** Lets calls with a valid token through and answers the others: unauthenticated, or unavailable without the keys. */
export function requireToken(
  verifier: Verifier,
  options?: InterceptorOptions,
): <R extends RequestLike, A>(next: (request: R) => Promise<A>) => (request: R) => Promise<A> {
  const isExempt = exemptionOf(options);
  return (next) => async (request) => {
    if (isExempt(`/${request.service.typeName}/${request.method.name}`)) return next(request);
    const error = await checkRequest(verifier, request.header, request.contextValues, options);
    if (error !== undefined) throw new ConnectErrorLike(error);
    return next(request);
  };
}

/** The identity of a call, by the handler's context. @throws TypeError if `requireToken` has not run */
export function identityOf(context: ContextLike): Identity {
  return identityIn(context.values);
}

/** Has the members of a ConnectError, by which Connect recognises its errors: this package need not import Connect. */
class ConnectErrorLike extends Error {
  readonly code: number;
  readonly rawMessage: string;
  readonly metadata: Headers;
  readonly details: readonly { readonly type: string; readonly value: Uint8Array }[];

  constructor(cause: VerifyError) {
    super(cause.message, { cause });
    this.name = "ConnectError";
    this.code = grpcCode(cause);
    this.rawMessage = cause.message;
    this.metadata = new Headers(errorResponseHeaders(cause));
    this.details = [{ type: "google.rpc.ErrorInfo", value: errorInfo(cause) }];
  }
}
