// `POST /oauth2/token`: client credentials (RFC 6749, 4.4) with a client assertion (RFC 7523).

import { type Assertion, readAssertion } from "../core/assertion.ts";
import { malformed, type Reason } from "../core/errors.ts";
import type { Caller, Login, LoginRequest } from "../core/login.ts";
import type { LimitState } from "../core/ports.ts";
import { MAX_MESSAGE_BYTES, type RequestCaller } from "../protocols/call.ts";
import { type CallError, errorHeaders, toRest } from "../protocols/errors.ts";
import type { Answer } from "../protocols/exchange.ts";
import { HeaderList } from "../protocols/header-list.ts";
import { type Endpoint, type EndpointRequest, readForm } from "./endpoints.ts";

export interface TokenEndpointOptions {
  readonly logIn: (request: LoginRequest, caller: Caller & RequestCaller) => Promise<Login>;
  /** The values of `aud` that name this gateway. */
  readonly audiences: () => readonly string[];
  readonly setLimitHeaders: (headers: Headers, state: LimitState | undefined) => void;
}

const GRANT = "client_credentials";
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Creates the endpoint. It uses the same core, limits and tokens as every login. */
export function createTokenEndpoint({ logIn, audiences, setLimitHeaders }: TokenEndpointOptions): Endpoint {
  return {
    method: "POST",
    maxBytes: MAX_MESSAGE_BYTES,
    readers: "allowed",
    async answer(request) {
      const assertion = readRequest(request, audiences());
      const { token, expiresInSeconds, limit } = await logIn(assertion, request.caller);
      const headers = new HeaderList();
      setLimitHeaders(headers, limit);
      const answer = { access_token: token, token_type: "Bearer", expires_in: expiresInSeconds };
      return { contentType: "application/json", headers: [...headers], body: JSON.stringify(answer) };
    },
    errorAnswer(error) {
      const headers = new HeaderList();
      if ("reason" in error) setLimitHeaders(headers, error.details.limit);
      return oauthError(error, headers);
    },
  };
}

/** @throws AuthError naming the mistake */
function readRequest(request: EndpointRequest, audiences: readonly string[]): Assertion {
  const parameter = readForm(request);
  if (parameter("grant_type") !== GRANT) throw malformed(`grant_type is not ${GRANT}`, "grant_type");
  if (request.header("authorization") !== undefined || parameter("client_secret") !== "") {
    throw malformed("the secret itself was sent. Send a client_assertion that is signed with it", "client_secret");
  }
  if (parameter("client_assertion_type") !== ASSERTION_TYPE) {
    throw malformed(`client_assertion_type is not ${ASSERTION_TYPE}`, "client_assertion_type");
  }
  const assertion = readAssertion(parameter("client_assertion"), audiences);
  if (![assertion.deviceKey, ""].includes(parameter("client_id"))) {
    throw malformed("client_id is not the sub of the client_assertion. Leave it out", "client_id");
  }
  return assertion;
}

/** OAuth's code for a reason (RFC 6749, 5.2). Codes of authorization endpoints (4.1.2.1) stand for the missing ones. */
const CODES: Readonly<Partial<Record<Reason, string>>> = {
  clock_skew: "invalid_client",
  invalid_credentials: "invalid_client",
  replayed: "invalid_client",
  disabled: "unauthorized_client",
  internal: "server_error",
  rate_limited: "temporarily_unavailable",
  unavailable: "temporarily_unavailable",
};

/** Fields of the client's proof: a mistake in one is `invalid_client` (RFC 7521, 4.2.1). */
const PROOF = ["client_assertion", "client_id", "client_secret", "device_key"];

function codeOf(error: CallError): string {
  if (!("reason" in error)) return "server_error";
  const { field = "" } = error.details;
  if (field === "grant_type") return "unsupported_grant_type";
  return CODES[error.reason] ?? (PROOF.includes(field) ? "invalid_client" : "invalid_request");
}

/** An error in OAuth's form, with the other fields of REST. A wrong proof gets 400 (RFC 7521, 4.2.1). */
function oauthError(error: CallError, headers: HeaderList): Answer {
  const { status, body } = toRest(error);
  const { code: _, message, ...details } = JSON.parse(body);
  for (const [name, value] of errorHeaders(error)) if (name !== "WWW-Authenticate") headers.set(name, value);
  headers.set("Content-Type", "application/json");
  headers.set("Cache-Control", "no-store");
  const answer = { error: codeOf(error), error_description: message, ...details };
  return { status: status === 401 ? 400 : status, headers, body: JSON.stringify(answer) };
}
