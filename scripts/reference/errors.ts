// Renders docs/reference/errors.md: every reason in each protocol.

import { Code } from "@connectrpc/connect";
import type { Reason } from "../../src/core/errors.ts";
import { nameOf, REASONS } from "../../src/protocols/errors.ts";

interface Text {
  readonly when: string;
  readonly cure: string;
}

const LOGIN = {
  misdirected: {
    when: "the internal listener does not answer to the request's host name",
    cure: "add the name to `INTERNAL_HOSTS`, or use the IP address",
  },
  not_found: {
    when: "no such path or method on this listener",
    cure: "compare with `proto/`; token checks and operators' calls are on the internal listener",
  },
  method_not_allowed: { when: "the path takes other HTTP methods", cure: "use one that `Allow` names" },
  unsupported_media_type: {
    when: "a Content-Type that is not JSON, as `message` says; in Connect and gRPC an unknown media type or compression",
    cure: "send `application/json`, or no Content-Type",
  },
  too_large: {
    when: "over 4 KiB; token checks 16 KiB, operators' calls 1 MiB",
    cure: "send less",
  },
  malformed: {
    when: "not JSON, or a field is missing or of the wrong type or form",
    cure: "`message` names the mistake, `field` its place",
  },
  clock_skew: {
    when: "the timestamp is further than `CLOCK_SKEW` from the gateway's clock",
    cure: "set the clock from `server_time`, or ask `GET /auth/time`",
  },
  invalid_credentials: {
    when: "unknown device or wrong signature; the answer never says which",
    cure: "check both keys; an operator can run [`explain`](../explain.md)",
  },
  disabled: { when: "right signature; the device or its customer is disabled", cure: "ask the operator" },
  rate_limited: {
    when: "policy `login`: the eleventh login in a minute. Policies `failure` and `address`: in place of `invalid_credentials` or `disabled`, after too many of those",
    cure: "keep the token; wait `retry_after` seconds",
  },
  replayed: {
    when: "a right signature that was used before, of a device under replay guard",
    cure: "sign again with the current time",
  },
  unavailable: {
    when: "the database is away or overloaded, or Redis is away under `REDIS_DOWN=deny`; counts against no limit",
    cure: "wait `retry_after` seconds",
  },
  internal: { when: "a bug", cure: "give `request_id` to the operator, whose log has the cause" },
} satisfies Partial<Record<Reason, Text>>;

const CHECK = {
  invalid: { when: "no token, a forged or changed one, or one of another gateway", cure: "log in again" },
  expired: { when: "the token is older than `TOKEN_TTL`", cure: "log in again" },
  revoked: {
    when: "the token, its device, its customer or its signing key was revoked, disabled or deleted",
    cure: "log in again; `message` says when an operator has to act first",
  },
} satisfies Partial<Record<Reason, Text>>;

const ADMIN = {
  invalid_admin_token: {
    when: "no admin token, or one that is unknown, revoked or expired; or the session has ended",
    cure: "send `Authorization: Bearer` with an admin token",
  },
  read_only: { when: "the admin token has the role `read`", cure: "use one with the role `admin`" },
  does_not_exist: { when: "`field` names the resource that is missing", cure: "list the resources" },
  already_exists: {
    when: "the name is taken, or the customer has this key already; `message` says which",
    cure: "use another",
  },
  etag_mismatch: { when: "the resource changed after its `etag` was read", cure: "read it again" },
  failed_precondition: {
    when: "the state forbids it, as `message` says: three live keys, a customer with devices, a revoked key",
    cure: "do what `message` says first",
  },
} satisfies Partial<Record<Reason, Text>>;

/** A reason without a text does not compile. */
const TEXTS: Readonly<Record<string, Text>> = { ...LOGIN, ...CHECK, ...ADMIN } satisfies Record<Reason, Text>;

/** The rows of the reasons that a table has, in the order of precedence. */
function table(reasons: object): string {
  const rows = Object.entries(REASONS)
    .filter(([reason]) => Object.hasOwn(reasons, reason))
    .map(([reason, { status, code }]) => {
      const { when, cure } = TEXTS[reason] ?? { when: "", cure: "" };
      return [`\`${reason}\``, String(status), nameOf(code), when, cure];
    });
  const head = ["reason", "REST", "gRPC, Connect", "when", "cure"];
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

export function renderErrors(): string {
  return `# Errors

<!-- Made by npm run gen. -->

An error has one reason; where several apply, it is the first in this order, unless a row says otherwise. Over REST:

\`\`\`json
{"code": "${nameOf(Code.Unauthenticated)}", "reason": "clock_skew", "message": "…", "server_time": 1764000000}
\`\`\`

\`field\`, \`policy\`, \`server_time\`, \`retry_after\` and \`request_id\` are present where they apply. In Connect, gRPC-Web and gRPC the reason is a
\`google.rpc.ErrorInfo\` (domain \`countersign\`, the same details as metadata) and the wait a \`google.rpc.RetryInfo\`. Every 429 and 503 has
\`Retry-After\`, every 401 \`WWW-Authenticate\`.

## Logins

${table(LOGIN)}

## Token checks

${table(CHECK)}

\`countersign/verify\` has \`missing\` for no token, and \`unavailable\` while it has no keys.

## Operators' calls

${table(ADMIN)}

Node's own answers (400, 408, 413, 417, 431) have the same form.

## Bugs

An \`internal\` error has a log line \`fault\` of level 50 with its cause. An error that nothing caught has a line \`uncaught\` of level 60; \`serve\`
then stops accepting, finishes its requests and exits 1. \`countersign_faults_total\` in \`/metrics\` counts both: alert on every increase.
`;
}
