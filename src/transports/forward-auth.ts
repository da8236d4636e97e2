// `GET /auth/check`, for proxies that ask whether a request may pass. Knows headers, and no proxy.

import type { VerifyTokenFor } from "../core/verify-token.ts";
import type { RequestCaller } from "./caller.ts";
import type { Endpoint, EndpointRequest } from "./endpoints.ts";

/** Lets a request pass whose token is good, and says whose it is; a refusal is a 401 that a proxy may pass on as it is. */
export function createForwardAuth(verifyToken: VerifyTokenFor<RequestCaller>): Endpoint {
  return {
    verb: "GET",
    maxBytes: 0,
    async answer({ header, caller }) {
      const { deviceKey, customerId } = await verifyToken(tokenOf(header), caller);
      return {
        status: 200,
        headers: [
          ["X-Device-Key", deviceKey],
          ["X-Customer-Id", customerId],
        ],
        body: "",
      };
    },
  };
}

/** The contract's own header goes first: it is what the service behind the proxy reads. */
function tokenOf(header: EndpointRequest["header"]): string | undefined {
  return header("x-access-token") || /^Bearer +(\S+)$/i.exec(header("authorization") ?? "")?.[1];
}
