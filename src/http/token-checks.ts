// Token checks over plain HTTP: forward-auth for proxies, and introspection (RFC 7662).

import { AuthError, type Reason } from "../core/errors.ts";
import type { VerifyTokenFor } from "../core/tokens/tokens.ts";
import type { RequestCaller } from "../protocols/call.ts";
import { type Endpoint, type EndpointAnswer, type EndpointRequest, readForm } from "./endpoints.ts";

/**
 * `/auth/check`: 200 with the token's device and customer, or a 401 that a proxy may pass on. Envoy uses the method of the request
 * that it checks, and appends its path.
 */
export function createForwardAuth(verifyToken: VerifyTokenFor<RequestCaller>): Endpoint {
  return {
    method: "any",
    async answer({ header, caller }) {
      const { deviceKey, customerId } = await verifyToken(tokenOf(header), caller);
      return {
        headers: [
          ["X-Device-Key", deviceKey],
          ["X-Customer-Id", customerId],
        ],
        body: "",
      };
    },
  };
}

/** The token to check. x-access-token comes first, since the service behind the proxy reads it. */
function tokenOf(header: EndpointRequest["header"]): string | undefined {
  return header("x-access-token") || /^Bearer +(\S+)$/i.exec(header("authorization") ?? "")?.[1];
}

/** The most bytes of a form with a token. */
const MAX_BYTES = 16 * 1024;
/** The answer does not say why a token is inactive (RFC 7662, 2.2). */
const INACTIVE: readonly Reason[] = ["expired", "invalid", "revoked"];

/** `POST /oauth2/introspect` (RFC 7662). */
export function createIntrospection(
  verifyToken: VerifyTokenFor<RequestCaller>,
  issuer: () => string,
  audience: string,
): Endpoint {
  return {
    method: "POST",
    maxBytes: MAX_BYTES,
    async answer(request) {
      try {
        const token = readForm(request)("token");
        const {
          deviceKey: sub,
          customerId: customer_id,
          jti,
          issuedAt: iat,
          expiresAt: exp,
        } = await verifyToken(token, request.caller);
        return json({ active: true, iss: issuer(), sub, aud: audience, iat, exp, jti, customer_id });
      } catch (error) {
        if (error instanceof AuthError && INACTIVE.includes(error.reason)) return json({ active: false });
        throw error;
      }
    },
  };
}

function json(value: object): EndpointAnswer {
  return { contentType: "application/json", body: JSON.stringify(value) };
}
