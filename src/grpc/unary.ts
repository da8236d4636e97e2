// A call of grpc-js as a promise: with a deadline, an AbortSignal and a typed error. Knows no service.

import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError } from "@grpc/grpc-js";
import { systemClock } from "./clock.ts";
import { type AnyMetadata, ownMetadata } from "./own-metadata.ts";
import { rpcErrorOf } from "./rpc-error.ts";

export interface UnaryOptions {
  /** How long the call may take, in milliseconds, connecting and retries included; the client's own when absent. */
  readonly deadlineMs?: number;
  /** Cancels the call, which then fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Sent along: a trace, say. Of this copy of grpc-js or of another. */
  readonly metadata?: AnyMetadata;
}

/** @throws RpcError, or the reason of `options.signal` */
export type Unary<Request, Response> = (request: Request, options?: UnaryOptions) => Promise<Response>;

type GrpcMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** How long a call may take unless it is told otherwise, in milliseconds. */
const DEADLINE_MS = 5_000;
/** Node's timers end there; so does the patience of a gateway, long before. */
const LONGEST_MS = 2_147_483_647;

/** A client's deadline for all its calls, checked. @throws RangeError */
export function deadlineOf(ms: number = DEADLINE_MS): number {
  if (ms > 0 && ms <= LONGEST_MS) return ms;
  throw new RangeError(`deadlineMs is a number of milliseconds above 0, and no more than ${LONGEST_MS}`);
}

/** Makes a promise of each call; `usualMs` is how long one may take that says nothing of it. */
export function unary<Request, Response>(
  method: GrpcMethod<Request, Response>,
  usualMs: number,
): Unary<Request, Response> {
  return async (request, { deadlineMs = usualMs, signal, metadata = new Metadata() } = {}) => {
    const deadline = systemClock() + deadlineOf(deadlineMs);
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const call = method(request, ownMetadata(metadata), { deadline }, (error, response) => {
        signal?.removeEventListener("abort", abandon);
        if (error === null) resolve(response);
        else reject(rpcErrorOf(error));
      });
      const abandon = (): void => {
        reject(signal?.reason);
        call.cancel();
      };
      signal?.addEventListener("abort", abandon, { once: true });
    });
  };
}
