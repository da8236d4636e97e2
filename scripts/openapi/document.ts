// OpenAPI 3.1 from service descriptors with google.api.http routes, and notes beside them.

import type { AnyDesc, DescMethod, DescMethodUnary, DescService, JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { AuthError } from "../../src/core/errors.ts";
import { MAX_MESSAGE_BYTES } from "../../src/protocols/call.ts";
import { formatFieldPath } from "../../src/protocols/query.ts";
import { createRouteTable, type Route } from "../../src/protocols/routes.ts";
import { type AnswerNotes, describeAnswers, errorSchema, transportErrors } from "./answers.ts";
import { pathParameters, queryParameters, readPath } from "./parameters.ts";
import { createSchemas, type SchemaNotes, type Schemas } from "./schema.ts";

/** Notes on a method beside its descriptor. */
export interface MethodNotes {
  /** A request's HTTP body, and an answer's. */
  readonly request?: JsonValue;
  readonly answer?: JsonValue;
  /** Whether a success describes a limit. */
  readonly limited?: boolean;
  /** OpenAPI's parameter objects of the headers that the handler reads. */
  readonly parameters?: readonly JsonObject[];
  /** The names of the headers that a success has. */
  readonly headers?: readonly string[];
  /** One of each kind of error that the handler throws. */
  readonly errors: readonly AuthError[];
}

/** Notes on a service beside its descriptor. */
export interface ServiceNotes {
  readonly notesOf: (method: DescMethodUnary) => MethodNotes;
  /** Who may call: OpenAPI's security scheme, and the errors of others. Absent: everyone. */
  readonly guard?: {
    readonly name: string;
    readonly scheme: JsonObject;
    readonly errorsOf: (method: string) => readonly AuthError[];
  };
  /** The limit that the service is mounted with. */
  readonly maxMessageBytes?: number;
}

export interface OpenapiNotes extends AnswerNotes, SchemaNotes {
  /** OpenAPI's info object. */
  readonly info: JsonObject;
  /** The comment of anything in the contract. */
  readonly commentOf: (desc: Exclude<AnyDesc, { readonly kind: "file" }>) => string;
  /** By full name. */
  readonly services: Readonly<Record<string, ServiceNotes>>;
}

/**
 * Describes every route of the services.
 * @throws TypeError for two routes, or two messages, that OpenAPI would take for one
 */
export function createOpenapi(services: readonly DescService[], notes: OpenapiNotes): JsonObject {
  const { routes } = createRouteTable(services.flatMap(({ methods }) => methods.filter(isUnary)));
  const schemas = createSchemas(
    routes.map(({ method }) => method.output),
    notes,
  );
  const paths = describePaths(routes, schemas, notes);
  const errors = routes.flatMap((route) => errorsOf(route, notes));
  const guards = services.flatMap(({ typeName }) => notes.services[typeName]?.guard ?? []);
  const { Error: taken, ...messages } = schemas.components();
  if (taken !== undefined) throw new TypeError("Error is the name of every error's schema");
  return {
    openapi: "3.1.1",
    info: notes.info,
    servers: [{ url: "/", description: "Where this document comes from." }],
    tags: services.map((service) => ({ name: service.name, description: notes.commentOf(service) })),
    paths,
    components: {
      schemas: { ...messages, Error: errorSchema(errors, notes) },
      headers: notes.headers,
      ...(guards.length > 0 && {
        securitySchemes: Object.fromEntries(guards.map(({ name, scheme }) => [name, scheme])),
      }),
    },
  };
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

function describePaths(routes: readonly Route[], schemas: Schemas, notes: OpenapiNotes): JsonObject {
  const items = new Map<string, { path: string; names: readonly string[]; operations: Map<string, JsonObject> }>();
  for (const route of routes) {
    const { path, shape } = readPath(route);
    const item = items.get(shape) ?? { path, names: route.bound.map(formatFieldPath), operations: new Map() };
    items.set(shape, item);
    if (item.operations.has(route.verb)) throw new TypeError(`${route.verb} ${path} is two routes, and one to OpenAPI`);
    const parameters = [...pathParameters(route, item.names, schemas), ...queryParameters(route, schemas)];
    item.operations.set(route.verb, describeOperation(route, { parameters, schemas, notes }));
  }
  return Object.fromEntries([...items.values()].map(({ path, operations }) => [path, pathItem(operations)]));
}

function pathItem(operations: ReadonlyMap<string, JsonObject>): JsonObject {
  return Object.fromEntries([...operations].map(([verb, one]) => [verb.toLowerCase(), one]));
}

interface OperationContext {
  readonly parameters: readonly JsonObject[];
  readonly schemas: Schemas;
  readonly notes: OpenapiNotes;
}

function describeOperation(route: Route, { parameters, schemas, notes }: OperationContext): JsonObject {
  const { method, body } = route;
  const { parent } = method;
  const service = notes.services[parent.typeName];
  const own = service?.notesOf(method);
  const comment = notes.commentOf(method);
  const guard = service?.guard;
  const all = [...parameters, ...(own?.parameters ?? [])];
  return {
    operationId: `${parent.name}_${method.name}`,
    tags: [parent.name],
    ...(comment !== "" && { summary: firstSentence(comment), description: comment }),
    ...(method.deprecated && { deprecated: true }),
    ...(guard !== undefined && { security: [{ [guard.name]: [] }] }),
    ...(all.length > 0 && { parameters: all }),
    ...(body !== undefined && { requestBody: describeBody(route, schemas, own?.request) }),
    responses: describeAnswers(
      {
        schema: schemas.message(method.output, "answer"),
        example: own?.answer,
        limited: own?.limited ?? false,
        headers: own?.headers ?? [],
        errors: errorsOf(route, notes),
      },
      notes,
    ),
  };
}

/** The errors of a route, in the order of the checks. */
function errorsOf({ method, body }: Route, { services }: OpenapiNotes): readonly AuthError[] {
  const { guard, notesOf, maxMessageBytes = MAX_MESSAGE_BYTES } = services[method.parent.typeName] ?? {};
  return [
    ...(guard?.errorsOf(method.name) ?? []),
    ...transportErrors(body === undefined ? undefined : maxMessageBytes),
    ...(notesOf?.(method).errors ?? []),
  ];
}

function describeBody({ method, body, bound }: Route, schemas: Schemas, example: JsonValue | undefined): JsonObject {
  // The path wins over the query.
  const inPath = bound.flatMap((path) => (path.length === 1 ? path : []));
  const schema =
    body === undefined || body === "*"
      ? schemas.message(method.input, "request", inPath)
      : schemas.field(body, "request");
  return {
    required: true,
    content: { "application/json": { schema, ...(example !== undefined && { example }) } },
  };
}

function firstSentence(comment: string): string {
  const [paragraph = ""] = comment.split("\n\n");
  return paragraph.replaceAll("\n", " ").replace(/(\.)\s.*$/, "$1");
}
