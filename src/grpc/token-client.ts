// TokenService as services call it that have tokens checked. Knows the generated client, and no key.

import { status } from "@grpc/grpc-js";
import { TokenServiceClient, type VerifyResponse } from "../../gen/grpc/countersign/token/v1/token.ts";
import type { Identity } from "../verify/identity.ts";
import type { GatewayClientOptions } from "./auth-client.ts";
import { channelOf } from "./channel.ts";
import { againWhenUnreachable } from "./retries.ts";
import { RpcError } from "./rpc-error.ts";
import { deadlineOf, type Unary, unary } from "./unary.ts";

export interface TokenClient {
  /**
   * Asks whose a token is; again where the gateway could not be reached, three times in all.
   * One that is not good is an RpcError: `expired`, `invalid`, `revoked`, `malformed`.
   */
  readonly verify: Unary<string, Identity>;
  /** Takes no more calls; those under way go on. */
  close(): void;
}

/** Connects when first called. @throws TypeError or RangeError, naming the option that is wrong */
export function createTokenClient({ deadlineMs, ...connection }: GatewayClientOptions): TokenClient {
  const { address, credentials, options } = channelOf(connection);
  const client = new TokenServiceClient(address, credentials, {
    ...options,
    ...againWhenUnreachable(TokenServiceClient.serviceName, "Verify"),
  });
  const ask = unary(client.verify.bind(client), deadlineOf(deadlineMs));
  return {
    verify: async (token, callOptions) => identityOf(await ask({ token }, callOptions)),
    close: () => client.close(),
  };
}

/** An answer that leaves open whose the token is lets nobody in. @throws RpcError */
function identityOf(answer: VerifyResponse): Identity {
  const { device_key: deviceKey, customer_id: customerId, jti, issue_time: issuedAt, expire_time: expiresAt } = answer;
  const named = deviceKey !== "" && customerId !== "" && jti !== "";
  if (!named || issuedAt === undefined || expiresAt === undefined) {
    throw new RpcError(status.INTERNAL, "internal: the answer does not say whose the token is and how long it is good");
  }
  return Object.freeze({ deviceKey, customerId, jti, issuedAt, expiresAt });
}
