// Describes the paths outside services: token endpoint, checks, and documents for verifiers.

import type { JsonObject } from "@bufbuild/protobuf";

const TEXT = { type: "string" } as const;
const NUMBER = { type: "integer" } as const;
const TEXTS = { type: "array", items: TEXT } as const;

function object(required: JsonObject, optional: JsonObject = {}): JsonObject {
  return { type: "object", required: Object.keys(required), properties: { ...required, ...optional } };
}

function described(schemas: Readonly<Record<string, readonly [schema: JsonObject, description: string]>>): JsonObject {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, [schema, description]]) => [name, { ...schema, description }]),
  );
}

function answer(description: string, schema: JsonObject, type = "application/json"): JsonObject {
  return { description, content: { [type]: { schema } } };
}

const REFUSED = answer("Any error, in the form of every call.", { $ref: "#/components/schemas/Error" });

function operation(id: string, summary: string, responses: JsonObject, more: JsonObject = {}): JsonObject {
  return { operationId: id, tags: ["Endpoints"], summary, description: summary, ...more, responses };
}

function form(fields: JsonObject, optional: JsonObject = {}): JsonObject {
  const content = { "application/x-www-form-urlencoded": { schema: object(fields, optional) } };
  return { requestBody: { required: true, content } };
}

const OAUTH_ERROR = object(
  described({
    error: [TEXT, "RFC 6749's code, as in invalid_client."],
    error_description: [TEXT, "The mistake and its cure."],
    reason: [TEXT, "The reason, the same as for a login over any other protocol."],
  }),
  described({
    field: [TEXT, "The wrong parameter."],
    policy: [TEXT, "The limit that decided."],
    server_time: [NUMBER, "The gateway's time, in Unix seconds."],
    retry_after: [NUMBER, "Seconds to wait before another try."],
    request_id: [
      TEXT,
      "Present when a bug in the gateway caused the error: the id of the log line that has the cause.",
    ],
  }),
);

const SHARED: JsonObject = {
  "/oauth2/token": {
    post: operation(
      "OAuth_Token",
      "Logs a device in by a client assertion (RFC 6749, 4.4; RFC 7523).",
      {
        200: answer(
          "The token.",
          object(
            described({
              access_token: [TEXT, "The JWT."],
              token_type: [TEXT, "Bearer."],
              expires_in: [NUMBER, "Seconds for which it is valid."],
            }),
          ),
        ),
        default: answer("An error of RFC 6749, 5.2.", OAUTH_ERROR),
      },
      form(
        described({
          grant_type: [{ const: "client_credentials" }, "The grant."],
          client_assertion_type: [
            { const: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" },
            "The kind of assertion.",
          ],
          client_assertion: [TEXT, "The assertion, a JWT that the device signs."],
        }),
        described({ client_id: [TEXT, "The device_key, as the assertion has it."] }),
      ),
    ),
  },
  "/auth/check": {
    get: operation(
      "Endpoints_Check",
      "Checks a token for a proxy; takes every method, at paths below it too.",
      {
        200: {
          description: "The token is valid.",
          headers: {
            "X-Device-Key": { description: "The device.", schema: TEXT },
            "X-Customer-Id": { description: "Its customer.", schema: TEXT },
          },
        },
        default: REFUSED,
      },
      { parameters: [{ name: "x-access-token", in: "header", description: "The token.", schema: TEXT }] },
    ),
  },
  "/.well-known/jwks.json": {
    get: operation("Endpoints_Jwks", "The keys that tokens are signed with (RFC 7517).", {
      200: answer(
        "The keys.",
        object(
          described({
            keys: [
              {
                type: "array",
                items: {
                  ...object(
                    described({
                      kid: [TEXT, "Its name in tokens."],
                      kty: [TEXT, "Its type."],
                      alg: [TEXT, "Its algorithm."],
                      use: [TEXT, "Always sig."],
                    }),
                  ),
                  additionalProperties: TEXT,
                },
              },
              "The published keys.",
            ],
          }),
        ),
        "application/jwk-set+json",
      ),
      default: REFUSED,
    }),
  },
  "/.well-known/oauth-authorization-server": {
    get: operation("Endpoints_Metadata", "The issuer's metadata (RFC 8414).", {
      200: answer(
        "The metadata.",
        object(
          described({
            issuer: [TEXT, "The iss of tokens."],
            jwks_uri: [TEXT, "Where the keys are."],
            token_endpoint: [TEXT, "Where OAuth clients log in."],
            grant_types_supported: [TEXTS, "The grants."],
            token_endpoint_auth_methods_supported: [TEXTS, "The kinds of assertion."],
            token_endpoint_auth_signing_alg_values_supported: [TEXTS, "The algorithms of assertions."],
            response_types_supported: [TEXTS, "None."],
            subject_types_supported: [TEXTS, "Public."],
            id_token_signing_alg_values_supported: [TEXTS, "The algorithms of tokens."],
          }),
          described({
            introspection_endpoint: [TEXT, "On the internal listener: where tokens are introspected."],
            introspection_endpoint_auth_methods_supported: [TEXTS, "No authentication is needed."],
          }),
        ),
      ),
      default: REFUSED,
    }),
  },
};

const INTROSPECTION: JsonObject = {
  "/oauth2/introspect": {
    post: operation(
      "OAuth_Introspect",
      "Describes a token (RFC 7662).",
      {
        200: answer(
          "For a valid token, its claims. For any other, only that it is not active.",
          object(
            described({ active: [{ type: "boolean" }, "Whether the token is valid."] }),
            described({
              iss: [TEXT, "The issuer."],
              sub: [TEXT, "The device_key."],
              aud: [TEXT, "The audience."],
              iat: [NUMBER, "When it was issued, in Unix seconds."],
              exp: [NUMBER, "When it expires, in Unix seconds."],
              jti: [TEXT, "Its name."],
              customer_id: [TEXT, "The device's customer."],
            }),
          ),
        ),
        default: REFUSED,
      },
      form(described({ token: [TEXT, "The token."] })),
    ),
  },
};

/** Adds the paths of a listener's endpoints to the document of its services. */
export function addEndpoints(document: JsonObject, name: string): JsonObject {
  const { paths, tags } = document;
  const own = name === "internal" ? { ...SHARED, ...INTROSPECTION } : SHARED;
  const tag = {
    name: "Endpoints",
    description: "Paths outside the services, each with a request and answer format of its own.",
  };
  return {
    ...document,
    // Calls without a scheme of their own are open.
    security: [],
    tags: [...(Array.isArray(tags) ? tags : []), tag],
    paths: { ...(typeof paths === "object" ? paths : {}), ...own },
  };
}
