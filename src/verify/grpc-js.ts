// An interceptor for grpc-js's servers. Knows the shape of what it is handed of the package, and imports none.

import { grpcStatus } from "./error-details.ts";
import { VerifyError } from "./errors.ts";
import { exemptionOf, type InterceptorOptions } from "./exempt.ts";
import { identityIn, keepIdentity } from "./identities.ts";
import type { Identity } from "./identity.ts";
import { grpcCode, refusalHeaders } from "./refusal.ts";
import { tellOfRefusal } from "./require-token.ts";
import { tokenOf } from "./sent-token.ts";
import type { Verifier } from "./verifier.ts";

export type { InterceptorOptions as RequireTokenOptions };

/** What of a method's definition is looked at. */
export interface MethodLike {
  readonly path: string;
}

/** What of metadata is looked at. */
export interface MetadataLike {
  get(name: string): readonly (string | Uint8Array)[];
}

/** A status as a call ends with it. */
export interface StatusLike<M> {
  readonly code: number;
  readonly details: string;
  readonly metadata: M;
}

/** What of an intercepted call is used. */
export interface CallLike<M> {
  sendStatus(status: StatusLike<M>): void;
}

/** What hears a call's metadata first. */
export interface ListenerLike<M> {
  readonly onReceiveMetadata: (metadata: M, next: (metadata: M) => void) => void;
}

/** What is put between a call and its handler. */
export interface ResponderLike<M> {
  readonly start: (next: (listener: ListenerLike<M>) => void) => void;
}

/** The trailers of a refusal; the binary one in base64, as HTTP/2 carries it. */
export type Trailers = Partial<Record<"www-authenticate" | "retry-after" | "grpc-status-details-bin", string>>;

/** What of the module @grpc/grpc-js it takes to intercept calls. */
export interface GrpcModule<M extends MetadataLike, N extends CallLike<M>, C> {
  readonly Metadata: { fromHttp2Headers(headers: Trailers): M };
  readonly ServerInterceptingCall: new (next: N, responder: ResponderLike<M>) => C;
}

/**
 * An interceptor for `new grpc.Server({ interceptors: [requireToken(verifier, grpc)] })`. Lets calls with a good token through; the
 * others it answers: UNAUTHENTICATED, or UNAVAILABLE while the issuer's keys cannot be had.
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
            verifier
              .verify(tokenOf({ get: (name) => headerOf(metadata, name) }, options))
              .then((identity) => keepIdentity(metadata, identity))
              .then(
                () => letThrough(metadata),
                (error: unknown) => {
                  if (error instanceof VerifyError) tellOfRefusal(error, options);
                  call.sendStatus(statusOf(error, (trailers) => grpc.Metadata.fromHttp2Headers(trailers)));
                },
              );
          },
        }),
    });
}

function headerOf(metadata: MetadataLike, name: string): string | undefined {
  const values = metadata.get(name);
  return values.length === 0 ? undefined : values.join(", ");
}

/** Whose call it is. @throws TypeError where `requireToken` has not run */
export function identityOf(call: { readonly metadata: object }): Identity {
  return identityIn(call.metadata);
}

function statusOf<M>(error: unknown, metadataOf: (trailers: Trailers) => M): StatusLike<M> {
  // A bug of this service's own: its particulars are nobody's business.
  if (!(error instanceof VerifyError)) return { code: 13, details: "an error on the server", metadata: metadataOf({}) };
  return { code: grpcCode(error), details: error.message, metadata: metadataOf(trailersOf(error)) };
}

function trailersOf(error: VerifyError): Trailers {
  const headers = Object.entries(refusalHeaders(error)).map(([name, value]) => [name.toLowerCase(), value]);
  const details = btoa(String.fromCharCode(...grpcStatus(error)));
  return { ...Object.fromEntries(headers), "grpc-status-details-bin": details };
}
