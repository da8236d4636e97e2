// Describes an operation's answers. Its errors come from the functions that make real ones.

import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { AuthError, malformed, type Reason } from "../../src/core/errors.ts";
import { tooLarge } from "../../src/protocols/compression.ts";
import { errorHeaders, internalError, toRest } from "../../src/protocols/errors.ts";
import { unsupportedMediaType } from "../../src/protocols/mistakes.ts";

export interface AnswerNotes {
  /** When each reason occurs. */
  readonly reasons: Readonly<Record<Reason, string>>;
  /** OpenAPI's header objects, by name: what `errorHeaders` gives, and those of limits. */
  readonly headers: Readonly<Record<string, JsonObject>>;
  /** Names of the headers that describe a limit. */
  readonly limitHeaders: readonly string[];
}

/** The answers of an operation. */
export interface Answers {
  readonly schema: JsonObject;
  readonly example: JsonValue | undefined;
  /** Whether a success describes a limit. */
  readonly limited: boolean;
  /** Names of the other headers of a success. */
  readonly headers: readonly string[];
  /** One error of each kind. */
  readonly errors: readonly AuthError[];
}

const ERROR = { $ref: "#/components/schemas/Error" };

/** The `responses` of an operation. */
export function describeAnswers(answers: Answers, notes: AnswerNotes): JsonObject {
  const { schema, example, limited, errors } = answers;
  const headers = [...(limited ? notes.limitHeaders : []), ...answers.headers];
  const statuses = [...new Set(errors.map((error) => toRest(error).status))].sort((one, other) => one - other);
  return {
    200: {
      description: limited ? "Success. The headers describe the limit." : "Done.",
      ...(headers.length > 0 && { headers: refer(headers) }),
      content: { "application/json": { schema, ...(example !== undefined && { example }) } },
    },
    ...Object.fromEntries(
      statuses.map((status) => [
        status,
        describeErrors(
          errors.filter((error) => toRest(error).status === status),
          notes,
        ),
      ]),
    ),
    default: {
      description:
        "Any other error: another verb (405, with Allow), another path (404), a host name that the internal listener does not answer to (421), and errors of the HTTP server (408, 417, 431).",
      headers: refer(["Allow"]),
      content: { "application/json": { schema: ERROR } },
    },
  };
}

/** One error of each kind that REST itself gives (protocols/rest.ts); `bodyLimit` in bytes, undefined where no body is read. */
export function transportErrors(bodyLimit: number | undefined): readonly AuthError[] {
  const internal = internalError("Vx2gDKhYkJq3");
  if (bodyLimit === undefined) return [malformed("the query is not percent-encoded UTF-8"), internal];
  return [
    malformed("the body is a string. Send an object"),
    unsupportedMediaType("text/plain", "application/json or leave the header out"),
    tooLarge(bodyLimit),
    internal,
  ];
}

/** The response of one status. */
function describeErrors(errors: readonly AuthError[], { reasons, limitHeaders }: AnswerNotes): JsonObject {
  const given = [...new Set(errors.map(({ reason }) => reason))];
  const headers = errors.flatMap((error) => [
    ...errorHeaders(error).map(([name]) => name),
    ...(error.details.limit === undefined ? [] : limitHeaders),
  ]);
  return {
    description: list(given, reasons),
    ...(headers.length > 0 && { headers: refer(headers) }),
    content: {
      "application/json": {
        schema: { allOf: [ERROR, { properties: { reason: { enum: given } } }] },
        examples: Object.fromEntries(
          errors.map((error) => [exampleName(error), { value: JSON.parse(toRest(error).body) }]),
        ),
      },
    },
  };
}

function list(given: readonly Reason[], reasons: AnswerNotes["reasons"]): string {
  return given.map((reason) => `- \`${reason}\`: ${reasons[reason]}`).join("\n");
}

function exampleName({ reason, details: { limit, field } }: AuthError): string {
  const detail = limit?.policy.name ?? field;
  return detail === undefined ? reason : `${reason}_${detail}`;
}

function refer(headers: readonly string[]): JsonObject {
  return Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** The schema of an error's body, as toRest writes it. */
export function errorSchema(errors: readonly AuthError[], { reasons }: AnswerNotes): JsonObject {
  // `default` has the errors of host name, path and HTTP method, which belong to no operation.
  const given = new Set<Reason>([
    "misdirected",
    "not_found",
    "method_not_allowed",
    ...errors.map(({ reason }) => reason),
  ]);
  const bodies = [...given].map((reason): JsonObject => JSON.parse(toRest(new AuthError(reason, "")).body));
  return {
    type: "object",
    description: "An error.",
    required: ["code", "reason", "message"],
    properties: {
      code: {
        type: "string",
        enum: [...new Set(bodies.map(({ code = "" }) => code))],
        description: "The code that Connect and gRPC have for it.",
      },
      reason: { type: "string", enum: [...given], description: `Why, for a program.\n\n${list([...given], reasons)}` },
      message: { type: "string", description: "Why, for a developer: it names the exact mistake." },
      server_time: { type: "integer", description: "With clock_skew: the gateway's Unix time in seconds." },
      field: { type: "string", description: "The field of the request that is at fault." },
      policy: { type: "string", description: "The limit that decided, or that stands nearest." },
      retry_after: { type: "integer", minimum: 1, description: "Seconds to wait before another try." },
      request_id: { type: "string", description: "With internal: the id to give to the operator." },
    },
  };
}
