// What may be sent twice (gRFC A6): reads that did not reach the gateway, and nothing else. Knows grpc-js, and no service.

import type { ChannelOptions } from "@grpc/grpc-js";

/**
 * Where reads fail one after another, they are sent again no more, until others succeed (gRFC A6): clients of a gateway that is down are
 * not three times as many. grpc-js keeps the count by address, and forgets it when a channel to there says nothing of it: all do.
 */
const retryThrottling = { maxTokens: 10, tokenRatio: 0.1 };

/** Options for calls that are never sent again, not even where grpc-js takes them for unseen: a login is signed anew. */
export const NEVER_AGAIN: ChannelOptions = {
  "grpc.enable_retries": 0,
  "grpc.service_config": JSON.stringify({ methodConfig: [], retryThrottling }),
};

/**
 * Options for a method that only reads: sent again where the gateway could not be reached. An answer of the gateway's own begins with
 * headers, which commit a call to it (gRFC A6): it is never asked for again, be it UNAVAILABLE.
 */
export function againWhenUnreachable(service: string, method: string): ChannelOptions {
  const retryPolicy = {
    maxAttempts: 3,
    initialBackoff: "0.1s",
    maxBackoff: "1s",
    backoffMultiplier: 3,
    retryableStatusCodes: ["UNAVAILABLE"],
  };
  const methodConfig = [{ name: [{ service, method }], retryPolicy }];
  return { "grpc.service_config": JSON.stringify({ methodConfig, retryThrottling }) };
}
