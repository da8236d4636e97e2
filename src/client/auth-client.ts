// AuthService over grpc-js, as promises with a deadline and typed errors.

import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  AuthServiceClient,
  type GetServerTimeRequest,
  type GetServerTimeResponse,
  type LoginRequest,
  type LoginResponse,
} from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { type ConnectionOptions, channelOf } from "./channel.ts";
import { systemClock } from "./clock.ts";
import { rpcErrorOf } from "./rpc-error.ts";

export interface GatewayClientOptions extends ConnectionOptions {
  /** Time for a call, connecting included, in milliseconds: 5,000 by default. */
  readonly deadlineMs?: number;
}

export interface UnaryOptions {
  /** Time for this call, in milliseconds; the client's by default. */
  readonly deadlineMs?: number;
  /** Cancels the call, which then fails with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly metadata?: Metadata;
}

/** @throws RpcError, or the reason of `options.signal` */
export type Unary<Request, Response> = (request: Request, options?: UnaryOptions) => Promise<Response>;

export interface AuthClient {
  /** Sends a signed login once. After a failure sign a new one. */
  readonly login: Unary<LoginRequest, LoginResponse>;
  /** Asks for the gateway's time, in Unix seconds. */
  readonly getServerTime: Unary<GetServerTimeRequest, GetServerTimeResponse>;
  /** Ends the connection after the calls under way. */
  close(): void;
}

/** Connects at the first call. @throws TypeError or RangeError, naming the wrong option */
export function createAuthClient({ deadlineMs, ...connection }: GatewayClientOptions): AuthClient {
  const defaultMs = deadlineOf(deadlineMs);
  const { address, credentials, options } = channelOf(connection);
  // grpc-js must not repeat a login: the second would be a replay.
  const client = new AuthServiceClient(address, credentials, { ...options, "grpc.enable_retries": 0 });
  return {
    login: unary(client.login.bind(client), defaultMs),
    getServerTime: unary(client.getServerTime.bind(client), defaultMs),
    close: () => client.close(),
  };
}

/** Longest delay of a timer of Node. */
const LONGEST_MS = 2_147_483_647;

function deadlineOf(ms = 5_000): number {
  if (ms > 0 && ms <= LONGEST_MS) return ms;
  throw new RangeError(`deadlineMs is a number of milliseconds above 0 and at most ${LONGEST_MS}`);
}

type GrpcMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

function unary<Request, Response>(method: GrpcMethod<Request, Response>, defaultMs: number): Unary<Request, Response> {
  return async (request, { deadlineMs = defaultMs, signal, metadata = new Metadata() } = {}) => {
    const deadline = systemClock() + deadlineOf(deadlineMs);
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const call = method(request, metadata, { deadline }, (error, response) => {
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
