// An interceptor for grpc-js's servers. Knows the shape of what it is handed of the package, and imports none.

import { VerifyError } from "./errors.ts";
import { identityIn, keepIdentity } from "./identities.ts";
import type { Identity } from "./identity.ts";
import { grpcCode, grpcStatus, refusalHeaders } from "./refusal.ts";
import { sentToken, type TokenPlace } from "./sent-token.ts";
import type { Verifier } from "./verifier.ts";

interface Metadata {
  get(name: string): readonly (string | Buffer)[];
  set(name: string, value: string | Buffer): void;
}

interface Status<M> {
  readonly code: number;
  readonly details: string;
  readonly metadata: M;
}

interface NextCall<M> {
  sendStatus(status: Status<M>): void;
}

interface Listener<M> {
  readonly onReceiveMetadata: (metadata: M, next: (metadata: M) => void) => void;
}

interface Responder<M> {
  readonly start: (next: (listener: Listener<M>) => void) => void;
}

/** What of the module @grpc/grpc-js it takes to intercept calls. */
export interface GrpcModule<M extends Metadata, N extends NextCall<M>, C> {
  readonly Metadata: new () => M;
  readonly ServerInterceptingCall: new (next: N, responder: Responder<M>) => C;
}

/**
 * An interceptor for `new grpc.Server({ interceptors: [requireToken(verifier, grpc)] })`. Lets calls with a good token through; the
 * others it answers: UNAUTHENTICATED, or UNAVAILABLE while the issuer's keys cannot be had.
 */
export function requireToken<M extends Metadata, N extends NextCall<M>, C>(
  verifier: Verifier,
  grpc: GrpcModule<M, N, C>,
  place?: TokenPlace,
): (method: unknown, call: N) => C {
  return (_method, call) =>
    new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, letThrough) {
            verifier
              .verify(sentToken((name) => headerOf(metadata, name), place))
              .then((identity) => keepIdentity(metadata, identity))
              .then(
                () => letThrough(metadata),
                (error: unknown) => call.sendStatus(statusOf(error, new grpc.Metadata())),
              );
          },
        }),
    });
}

function headerOf(metadata: Metadata, name: string): string | undefined {
  const values = metadata.get(name);
  return values.length === 0 ? undefined : values.join(", ");
}

/** Whose call it is. @throws TypeError where `requireToken` has not run */
export function identityOf(call: { readonly metadata: object }): Identity {
  return identityIn(call.metadata);
}

/** `metadata`: empty trailers, to be filled. */
function statusOf<M extends Metadata>(error: unknown, metadata: M): Status<M> {
  // A bug of this service's own: its particulars are nobody's business.
  if (!(error instanceof VerifyError)) return { code: 13, details: "an error on the server", metadata };
  for (const [name, value] of Object.entries(refusalHeaders(error))) metadata.set(name.toLowerCase(), value);
  metadata.set("grpc-status-details-bin", Buffer.from(grpcStatus(error)));
  return { code: grpcCode(error), details: error.message, metadata };
}
