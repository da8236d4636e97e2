// `POST /oauth2/introspect` (RFC 7662), for middlewares that know nothing else. Knows its form, and no token.

import { AuthError, malformed, type Reason } from "../core/errors.ts";
import type { VerifyTokenFor } from "../core/verify-token.ts";
import type { RequestCaller } from "./caller.ts";
import type { Endpoint, EndpointAnswer } from "./endpoints.ts";
import { toRest } from "./errors.ts";

const FORM = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i;
/** The longest token that is looked at, and what is around it. */
const MAX_BYTES = 16 * 1024;
/** RFC 7662, 2.2: why a token is not good is not told. */
const NOT_GOOD: readonly Reason[] = ["expired", "invalid", "revoked"];

/** What the claims of all tokens have in common. */
export interface IntrospectionOptions {
  readonly verifyToken: VerifyTokenFor<RequestCaller>;
  readonly issuer: () => string;
  readonly audience: string;
}

/** Tells whether a token is active, and what it says. */
export function createIntrospection({ verifyToken, issuer, audience }: IntrospectionOptions): Endpoint {
  return {
    verb: "POST",
    maxBytes: MAX_BYTES,
    async answer({ header, body, caller }) {
      try {
        const token = readToken(header("content-type"), body);
        const {
          deviceKey: sub,
          customerId: customer_id,
          jti,
          issuedAt: iat,
          expiresAt: exp,
        } = await verifyToken(token, caller);
        return json(200, { active: true, iss: issuer(), sub, aud: audience, iat, exp, jti, customer_id });
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        if (NOT_GOOD.includes(error.reason)) return json(200, { active: false });
        if (error.reason === "malformed") return invalidRequest(error);
        throw error;
      }
    },
  };
}

/** RFC 6749, 5.2, and what every other answer of ours has. */
function invalidRequest(refusal: AuthError): EndpointAnswer {
  const { status, body } = toRest(refusal);
  const members: object = JSON.parse(body);
  return {
    ...json(status, { error: "invalid_request", error_description: refusal.message, ...members }),
    refusal,
  };
}

function json(status: number, value: object): EndpointAnswer {
  return { status, headers: [["Content-Type", "application/json"]], body: JSON.stringify(value) };
}

/** @throws AuthError `unsupported_media_type`, `malformed` */
function readToken(contentType: string | undefined, body: Uint8Array): string {
  if (contentType !== undefined && !FORM.test(contentType)) {
    const message =
      "the Content-Type is not that of a form, application/x-www-form-urlencoded. Send token as a field of one";
    throw new AuthError("unsupported_media_type", message);
  }
  const tokens = new URLSearchParams(Buffer.from(body).toString()).getAll("token");
  const [token = "", ...others] = tokens;
  if (others.length > 0) throw malformed("token is there more than once. Send it once", "token");
  return token;
}
