// An interceptor for grpc-js's servers. Takes grpc-js as an argument instead of importing it.

import { errorResponseHeaders, grpcCode, grpcStatus } from "./error-response.ts";
import type { VerifyError } from "./errors.ts";
import { checkRequest, exemptionOf, type InterceptorOptions, identityOf as identityIn } from "./require-token.ts";
import type { Identity, Verifier } from "./verifier.ts";

export type { InterceptorOptions as RequireTokenOptions };

export interface MethodLike {
  readonly path: string;
}

export interface MetadataLike {
  get(name: string): readonly (string | Uint8Array)[];
}

export interface StatusLike<M> {
  readonly code: number;
  readonly details: string;
  readonly metadata: M;
}

export interface CallLike<M> {
  sendStatus(status: StatusLike<M>): void;
}

export interface ListenerLike<M> {
  readonly onReceiveMetadata: (metadata: M, next: (metadata: M) => void) => void;
}

export interface ResponderLike<M> {
  readonly start: (next: (listener: ListenerLike<M>) => void) => void;
}

/** The trailers of an error; the binary one in base64, as HTTP/2 carries it. */
export type Trailers = Partial<Record<"www-authenticate" | "retry-after" | "grpc-status-details-bin", string>>;

export interface GrpcModule<M extends MetadataLike, N extends CallLike<M>, C> {
  readonly Metadata: { fromHttp2Headers(headers: Trailers): M };
  readonly ServerInterceptingCall: new (next: N, responder: ResponderLike<M>) => C;
}

/**
 * An interceptor for `new grpc.Server({ interceptors: [requireToken(verifier, grpc)] })`. Lets calls with a valid token through and
 * answers the others: UNAUTHENTICATED, or UNAVAILABLE without the issuer's keys.
 */
export function requireToken<M extends MetadataLike, N extends CallLike<M>, C>(
  verifier: Verifier,
  grpc: GrpcModule<M, N, C>,
  options?: InterceptorOptions,
): (method: MethodLike, call: N) => C {
  const isExempt = exemptionOf(options);
  return ({ path }, call) =>
    new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, letThrough) {
            if (isExempt(path)) return letThrough(metadata);
            const end = (error?: VerifyError): void =>
              call.sendStatus(statusOf(error, (trailers) => grpc.Metadata.fromHttp2Headers(trailers)));
            checkRequest(verifier, { get: (name) => headerOf(metadata, name) }, metadata, options).then(
              (error) => (error === undefined ? letThrough(metadata) : end(error)),
              () => end(),
            );
          },
        }),
    });
}

function headerOf(metadata: MetadataLike, name: string): string | undefined {
  const values = metadata.get(name);
  return values.length === 0 ? undefined : values.join(", ");
}

/** The identity of a call. @throws TypeError if `requireToken` has not run */
export function identityOf(call: { readonly metadata: object }): Identity {
  return identityIn(call.metadata);
}

/** The status of an error; INTERNAL without one. */
function statusOf<M>(error: VerifyError | undefined, metadataOf: (trailers: Trailers) => M): StatusLike<M> {
  if (error === undefined) return { code: 13, details: "an error on the server", metadata: metadataOf({}) };
  return { code: grpcCode(error), details: error.message, metadata: metadataOf(trailersOf(error)) };
}

function trailersOf(error: VerifyError): Trailers {
  const headers = Object.entries(errorResponseHeaders(error)).map(([name, value]) => [name.toLowerCase(), value]);
  const details = btoa(String.fromCharCode(...grpcStatus(error)));
  return { ...Object.fromEntries(headers), "grpc-status-details-bin": details };
}
