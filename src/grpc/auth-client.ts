// AuthService as internal services call it. Knows the generated client, and signs nothing.

import {
  AuthServiceClient,
  type GetServerTimeRequest,
  type GetServerTimeResponse,
  type LoginRequest,
  type LoginResponse,
} from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { type ConnectionOptions, channelOf } from "./channel.ts";
import { againWhenUnreachable, NEVER_AGAIN } from "./retries.ts";
import { deadlineOf, type Unary, unary } from "./unary.ts";

export interface GatewayClientOptions extends ConnectionOptions {
  /** How long a call may take, in milliseconds: 5,000 by default. */
  readonly deadlineMs?: number;
}

export interface AuthClient {
  /** Sends a signed login once, and never again: one that fails has to be signed anew. */
  readonly login: Unary<LoginRequest, LoginResponse>;
  /** Asks for the gateway's time, in Unix seconds; again where it could not be reached, three times in all. */
  readonly getServerTime: Unary<GetServerTimeRequest, GetServerTimeResponse>;
  /** Takes no more calls; those under way go on. */
  close(): void;
}

/** Connects when first called. @throws TypeError or RangeError, naming the option that is wrong */
export function createAuthClient({ deadlineMs, ...connection }: GatewayClientOptions): AuthClient {
  const usualMs = deadlineOf(deadlineMs);
  const { address, credentials, options } = channelOf(connection);
  // Whether a call may be sent twice is for the whole of a channel to say. Neither connects before it has a call.
  const logins = new AuthServiceClient(address, credentials, { ...options, ...NEVER_AGAIN });
  const reads = new AuthServiceClient(address, credentials, {
    ...options,
    ...againWhenUnreachable(AuthServiceClient.serviceName, "GetServerTime"),
  });
  return {
    login: unary(logins.login.bind(logins), usualMs),
    getServerTime: unary(reads.getServerTime.bind(reads), usualMs),
    close() {
      logins.close();
      reads.close();
    },
  };
}
