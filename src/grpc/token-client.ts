// TokenService as services call it that have tokens checked. Knows the generated client, and no key.

import {
  TokenServiceClient,
  type VerifyRequest,
  type VerifyResponse,
} from "../../gen/grpc/countersign/token/v1/token.ts";
import type { ClientSettings } from "./auth-client.ts";
import { againWhenUnreachable, channelOf } from "./channel.ts";
import { deadlineOf, type Unary, unary } from "./unary.ts";

export interface TokenClient {
  /**
   * Asks whose a token is; again where the gateway could not be reached, three times in all.
   * One that is not good is an RpcError: `expired`, `invalid`, `revoked`, `malformed`.
   */
  readonly verify: Unary<VerifyRequest, VerifyResponse>;
  /** Takes no more calls; those under way go on. */
  close(): void;
}

/** Connects when first called. @throws TypeError or RangeError, naming the setting that is wrong */
export function createTokenClient({ deadlineMs, ...settings }: ClientSettings): TokenClient {
  const { address, credentials, options } = channelOf(settings);
  const client = new TokenServiceClient(address, credentials, {
    ...options,
    ...againWhenUnreachable(TokenServiceClient.serviceName, "Verify"),
  });
  return { verify: unary(client.verify.bind(client), deadlineOf(deadlineMs)), close: () => client.close() };
}
