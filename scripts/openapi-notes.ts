// Errors, headers and examples for the OpenAPI documents, which no descriptor has.

import { readFileSync } from "node:fs";
import { getComments } from "@bufbuild/protoplugin";
import { signLogin } from "../src/cli/sign.ts";
import { rateLimited } from "../src/core/charges.ts";
import { AuthError, malformed, type Reason, tokenInvalid, tokenRevoked, unsigned } from "../src/core/errors.ts";
import { checkFresh } from "../src/core/login-fields.ts";
import type { LimitState, PolicyName } from "../src/core/ports.ts";
import { HeaderList } from "../src/protocols/header-list.ts";
import { setLimitHeaders, TOKEN_MESSAGE_BYTES } from "../src/services/auth.ts";
import type { MethodNotes, OpenapiNotes, ServiceNotes } from "./openapi/document.ts";
import { ADMIN_NOTES, AWAY, errorOf } from "./openapi-admin-notes.ts";

/** The time in examples, in Unix seconds. */
const NOW = 1_764_000_000;

const { version }: { version: string } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

function limitOf(name: PolicyName, remaining: number): LimitState {
  return { policy: { name, limit: 10, windowMs: 60_000 }, remaining, resetMs: 23_000, decidedAt: NOW * 1000 };
}

const AUTH_METHODS: Readonly<Record<string, MethodNotes>> = {
  Login: {
    request: { ...signLogin({ deviceKey: "pump-7", customerKey: "an example's customer key" }, NOW) },
    answer: { token: "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJwdW1wLTcifQ.c2lnbmF0dXJl", expires_in: 600 },
    limited: true,
    errors: [
      malformed("timestamp is missing. Send the Unix time in whole seconds", "timestamp"),
      errorOf(() => checkFresh(NOW - 3_600, NOW * 1000, 300_000)),
      rateLimited(limitOf("address", 0)),
      new AuthError(
        "invalid_credentials",
        "device_key is unknown or device_signature is not made with its customer key",
        { limit: limitOf("failure", 9) },
      ),
      rateLimited(limitOf("failure", 0)),
      new AuthError("disabled", "this device or its customer is disabled. Ask the operator", {
        limit: limitOf("address", 5),
      }),
      rateLimited(limitOf("login", 0)),
      new AuthError("replayed", "this proof was used before. Sign again with the current time", {
        limit: limitOf("login", 9),
      }),
      unsigned(),
    ],
  },
  GetServerTime: { answer: { server_time: NOW }, errors: [] },
};

const TOKEN_NOTES: ServiceNotes = {
  maxMessageBytes: TOKEN_MESSAGE_BYTES,
  notesOf: () => ({
    request: { token: "eyJhbGciOiJSUzI1NiIs…" },
    answer: {
      device_key: "pump-7",
      customer_id: "acme",
      jti: "AZq2K0mQyXx1bB2nT9cZ",
      issue_time: "2025-11-24T16:00:00Z",
      expire_time: "2025-11-24T16:10:00Z",
    },
    errors: [
      malformed("token is missing", "token"),
      tokenInvalid("its signature is wrong"),
      new AuthError("expired", "the token has expired. The device has to log in again"),
      tokenRevoked("an operator revoked it"),
      AWAY,
    ],
  }),
};

/** The reasons, described at greater length than in docs/reference/errors.md. */
const REASONS: Readonly<Record<Reason, string>> = {
  misdirected: "the internal listener does not answer to this host name. Add it to `COUNTERSIGN_INTERNAL_HOSTS`.",
  not_found: "there is no such path.",
  method_not_allowed: "the path takes other verbs, which Allow names.",
  unsupported_media_type: "the Content-Type is not JSON. Send `application/json`, or leave it out.",
  too_large: "the request has more than 4 KiB, or 1 MiB for operators' calls.",
  malformed: "not JSON, or a field missing or of the wrong shape. `message` names the mistake, `field` the place.",
  clock_skew: "the timestamp is too far from now. Set the clock from `server_time`.",
  rate_limited: "too many in this time frame, by the limit that `policy` names. Wait `retry_after` seconds.",
  invalid_credentials: "unknown device or wrong signature; the answer does not say which.",
  disabled: "right proof; the device or its customer is disabled.",
  replayed: "a right proof that was used before, of a device under replay guard. Sign again with the current time.",
  expired: "the token has expired. The device has to log in again.",
  invalid: "no token, a forged or changed one, or one of another gateway.",
  revoked: "the token was revoked, its device or customer was disabled or deleted, or its signing key was revoked.",
  unavailable: "the store is away; the login counts against no limit. Wait `retry_after` seconds.",
  internal: "a bug. Give `request_id` to the operator.",
  invalid_admin_token: "no admin token, or one that is unknown, revoked or expired.",
  read_only: "the admin token has the role read. Use one with the role admin.",
  does_not_exist: "`field` names what was not found.",
  already_exists: "the name is taken.",
  etag_mismatch: "the resource was changed after it was read. Read it again.",
  failed_precondition: "the present state forbids it, as `message` says.",
};

const INTEGER = { type: "integer", minimum: 0 };
const TEXT = { type: "string" };

function limitHeaderNames(): string[] {
  const headers = new HeaderList();
  setLimitHeaders(headers, limitOf("login", 9));
  return [...headers.keys()];
}

export const notes: OpenapiNotes = {
  info: {
    title: "Countersign",
    version,
    description:
      "Device authentication gateway: a device signs its login, the gateway countersigns with a short-lived JWT.",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  commentOf: (desc) => getComments(desc).leading?.replace(/^ /gm, "").trim() ?? "",
  required: { "countersign.auth.v1.LoginRequest": ["device_key", "timestamp", "device_signature"] },
  services: {
    "countersign.auth.v1.AuthService": { notesOf: ({ name }) => AUTH_METHODS[name] ?? { errors: [] } },
    "countersign.token.v1.TokenService": TOKEN_NOTES,
    "countersign.admin.v1.AdminService": ADMIN_NOTES,
  },
  reasons: REASONS,
  limitHeaders: limitHeaderNames(),
  headers: {
    "X-RateLimit-Limit": { description: "Admissions in a window of the policy that decided.", schema: INTEGER },
    "X-RateLimit-Remaining": { description: "Admissions left in the window that ends now.", schema: INTEGER },
    "X-RateLimit-Reset": { description: "When the next slot is freed, in Unix seconds.", schema: INTEGER },
    RateLimit: {
      description: "draft-ietf-httpapi-ratelimit-headers: what is left, and the seconds until the next slot is freed.",
      schema: { ...TEXT, pattern: '^"[a-z]+";r=[0-9]+;t=[0-9]+$' },
    },
    "RateLimit-Policy": {
      description:
        "draft-ietf-httpapi-ratelimit-headers: the quota of the policy that decided, and its window in seconds.",
      schema: { ...TEXT, pattern: '^"[a-z]+";q=[0-9]+;w=[0-9]+$' },
    },
    ETag: {
      description: "RFC 9110, 8.8.3: the version that is answered with; the field `etag` says the same.",
      required: true,
      schema: { ...TEXT, pattern: '^"[\\w-]+"$' },
    },
    "Retry-After": {
      description: "Seconds to wait before another try.",
      required: true,
      schema: { type: "integer", minimum: 1 },
    },
    "WWW-Authenticate": {
      description: "RFC 9110, 11.6.1: Bearer for operators' calls, and for logins a scheme of their own.",
      required: true,
      schema: TEXT,
    },
    Allow: { description: "With 405: the verbs that the path takes.", schema: TEXT },
    "X-Request-Id": { description: "The id to give to the operator.", required: true, schema: TEXT },
  },
};
