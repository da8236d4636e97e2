// OpenAPI 3.1 from service descriptors with google.api.http routes. Knows no service; what descriptors do not say it is told.

import type { AnyDesc, DescMethod, DescMethodUnary, DescService, JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { AuthError } from "../core/errors.ts";
import { MAX_MESSAGE_BYTES } from "./body.ts";
import { type AnswerNotes, describeAnswers, errorSchema, transportRefusals } from "./openapi-answers.ts";
import { pathParameters, queryParameters, readPath } from "./openapi-parameters.ts";
import { createSchemas, isAlwaysThere, type SchemaNotes, type Schemas } from "./openapi-schema.ts";
import { createRouteTable, type Route } from "./routes.ts";

/** What a method's descriptor does not say. */
export interface MethodNotes {
  /** A request's HTTP body, and an answer's. */
  readonly request?: JsonValue;
  readonly answer?: JsonValue;
  /** A success tells where a limit stands. */
  readonly limited?: boolean;
  /** OpenAPI's parameter objects of the headers that the handler reads. */
  readonly parameters?: readonly JsonObject[];
  /** The names of the headers that a success has. */
  readonly headers?: readonly string[];
  /** One of each kind of refusal that the handler may give. */
  readonly refusals: readonly AuthError[];
}

/** What a service's descriptor does not say. */
export interface ServiceNotes {
  /** By the methods' names. */
  readonly methods: Readonly<Record<string, MethodNotes>>;
  /** Who may call: OpenAPI's security scheme, and what others are told. Absent: everyone. */
  readonly guard?: { readonly name: string; readonly scheme: JsonObject; readonly refusal: AuthError };
  /** As it is mounted with. */
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

/** Verbs that OpenAPI 3.1 has a place for; others go where 3.2 has them, marked as an extension. */
const VERBS = new Set(["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]);

/**
 * Describes every route of the services.
 * @throws TypeError for two routes, or two messages, that OpenAPI would take for one, and for notes on other methods
 */
export function createOpenapi(services: readonly DescService[], notes: OpenapiNotes): JsonObject {
  for (const service of services) checkNotes(service, notes);
  const { routes } = createRouteTable(services.flatMap(({ methods }) => methods.filter(isUnary)));
  const schemas = createSchemas(
    routes.map(({ method }) => method.output),
    notes,
  );
  const paths = describePaths(routes, schemas, notes);
  const refusals = routes.flatMap((route) => refusalsOf(route, notes));
  const guards = services.flatMap(({ typeName }) => notes.services[typeName]?.guard ?? []);
  const { Error: taken, ...messages } = schemas.components();
  if (taken !== undefined) throw new TypeError("Error is the name of every refusal's schema");
  return {
    openapi: "3.1.1",
    info: notes.info,
    servers: [{ url: "/", description: "Where this document comes from." }],
    tags: services.map((service) => ({ name: service.name, description: notes.commentOf(service) })),
    paths,
    components: {
      schemas: { ...messages, Error: errorSchema(refusals, notes) },
      headers: notes.headers,
      ...(guards.length > 0 && {
        securitySchemes: Object.fromEntries(guards.map(({ name, scheme }) => [name, scheme])),
      }),
    },
  };
}

/** Notes on a service are on each of its methods, so that none is forgotten. */
function checkNotes({ typeName, methods }: DescService, { services }: OpenapiNotes): void {
  const noted = services[typeName]?.methods;
  if (noted === undefined) return;
  const names = methods.map(({ name }) => name);
  const wrong = [
    ...names.filter((name) => !Object.hasOwn(noted, name)).map((name) => `no notes on ${typeName}.${name}`),
    ...Object.keys(noted)
      .filter((name) => !names.includes(name))
      .map((name) => `no method ${typeName}.${name}`),
  ];
  if (wrong.length > 0) throw new TypeError(`there is ${wrong.join(" and ")}`);
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

function describePaths(routes: readonly Route[], schemas: Schemas, notes: OpenapiNotes): JsonObject {
  const items = new Map<string, { path: string; names: readonly string[]; operations: Map<string, JsonObject> }>();
  for (const route of routes) {
    const { path, shape, wildcards } = readPath(route);
    const item = items.get(shape) ?? { path, names: wildcards.map(({ name }) => name), operations: new Map() };
    items.set(shape, item);
    if (item.operations.has(route.verb)) throw new TypeError(`${route.verb} ${path} is two routes, and one to OpenAPI`);
    const place = routes.filter(({ method }) => method === route.method).indexOf(route);
    const parameters = [...pathParameters(wildcards, item.names, schemas), ...queryParameters(route, schemas)];
    item.operations.set(route.verb, describeOperation(route, { place, parameters, schemas, notes }));
  }
  return Object.fromEntries([...items.values()].map(({ path, operations }) => [path, pathItem(operations)]));
}

function pathItem(operations: ReadonlyMap<string, JsonObject>): JsonObject {
  const others = [...operations].filter(([verb]) => !VERBS.has(verb));
  return {
    ...Object.fromEntries(
      [...operations].filter(([verb]) => VERBS.has(verb)).map(([verb, one]) => [verb.toLowerCase(), one]),
    ),
    ...(others.length > 0 && { "x-additionalOperations": Object.fromEntries(others) }),
  };
}

interface OperationContext {
  /** Which of its method's bindings it is. */
  readonly place: number;
  readonly parameters: readonly JsonObject[];
  readonly schemas: Schemas;
  readonly notes: OpenapiNotes;
}

function describeOperation(route: Route, { place, parameters, schemas, notes }: OperationContext): JsonObject {
  const { method, body, responseBody } = route;
  const { parent } = method;
  const service = notes.services[parent.typeName];
  const own = service?.methods[method.name];
  const comment = notes.commentOf(method);
  const guard = service?.guard;
  const first = place === 0;
  const all = [...parameters, ...(own?.parameters ?? [])];
  return {
    operationId: `${parent.name}_${method.name}${first ? "" : `_${place + 1}`}`,
    tags: [parent.name],
    ...(comment !== "" && { summary: firstSentence(comment), description: comment }),
    ...(method.deprecated && { deprecated: true }),
    ...(guard !== undefined && { security: [{ [guard.name]: [] }] }),
    ...(all.length > 0 && { parameters: all }),
    ...(body !== undefined && { requestBody: describeBody(route, schemas, first ? own?.request : undefined) }),
    responses: describeAnswers(
      {
        schema: responseBody === undefined ? schemas.message(method.output, "answer") : part(responseBody, schemas),
        example: first ? own?.answer : undefined,
        limited: own?.limited ?? false,
        headers: own?.headers ?? [],
        refusals: refusalsOf(route, notes),
      },
      notes,
    ),
  };
}

/** In the order in which they are told. */
function refusalsOf({ method, body }: Route, { services }: OpenapiNotes): readonly AuthError[] {
  const { guard, methods, maxMessageBytes = MAX_MESSAGE_BYTES } = services[method.parent.typeName] ?? {};
  return [
    ...(guard === undefined ? [] : [guard.refusal]),
    ...transportRefusals(body === undefined ? undefined : maxMessageBytes),
    ...(methods?.[method.name]?.refusals ?? []),
  ];
}

function describeBody({ method, body, leaves }: Route, schemas: Schemas, example: JsonValue | undefined): JsonObject {
  // What the path has, it has the last word on.
  const bound = leaves.flatMap((leaf) => (leaf.length === 1 ? leaf : []));
  const schema =
    body === undefined || body === "*"
      ? schemas.message(method.input, "request", bound)
      : schemas.field(body, "request");
  return {
    required: true,
    content: { "application/json": { schema, ...(example !== undefined && { example }) } },
  };
}

/** The field that an answer is made of: null when it is not there. */
function part(field: NonNullable<Route["responseBody"]>, schemas: Schemas): JsonObject {
  const schema = schemas.field(field, "answer");
  return isAlwaysThere(field) ? schema : { anyOf: [schema, { type: "null" }] };
}

function firstSentence(comment: string): string {
  const [paragraph = ""] = comment.split("\n\n");
  return paragraph.replaceAll("\n", " ").replace(/(\.)\s.*$/, "$1");
}
