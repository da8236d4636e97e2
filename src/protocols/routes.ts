// The route table, read from the descriptors' google.api.http options.

import { type DescField, type DescMethodUnary, getOption, hasOption } from "@bufbuild/protobuf";
import { http } from "../../gen/es/google/api/annotations_pb.ts";
import { type FieldPath, findFieldPath } from "./query.ts";

export interface Route {
  readonly method: DescMethodUnary;
  /** The HTTP method. */
  readonly verb: string;
  /** The path template. Supported are literals, `{field.path}` and a verb at the end. */
  readonly template: string;
  /** The field that each of the template's variables sets. */
  readonly bound: readonly FieldPath[];
  /** The part of the message that the HTTP body sets: one field, all of it (`*`), or nothing. */
  readonly body: DescField | "*" | undefined;
}

/** A route, and the decoded values of its template's variables. */
export interface RouteMatch {
  readonly route: Route;
  readonly values: readonly string[];
}

export interface RouteTable {
  readonly routes: readonly Route[];
  /** Finds the route of a request. */
  match(verb: string, path: string): RouteMatch | undefined;
  /** The HTTP methods of a path; empty: no route. */
  methodsAt(path: string): readonly string[];
}

const TEMPLATE = /^(?:\/(?:[\w~-]+|\{[\w.]+\}))+(?::\w+)?$/;
const VARIABLE = /\{([\w.]+)\}/g;

/** Reads the route of a method; undefined without a rule. @throws TypeError for a rule that is wrong or not supported */
export function readRoute(method: DescMethodUnary): Route | undefined {
  if (!hasOption(method, http)) return undefined;
  const { pattern, body, responseBody, additionalBindings } = getOption(method, http);
  const fail = (what: string): never => {
    throw new TypeError(`${method.name}: ${what}`);
  };
  const { input } = method;
  if (responseBody !== "" || additionalBindings.length > 0 || pattern.case === "custom") {
    return fail("response_body, additional_bindings and custom verbs are not supported");
  }
  if (pattern.case === undefined) return fail("the rule has no pattern");
  const { case: verb, value: template } = pattern;
  if (!TEMPLATE.test(template)) fail(`the path template ${template} is not supported`);
  const bound = [...template.matchAll(VARIABLE)].map(([, fieldPath = ""]) => {
    const path = findFieldPath(input, fieldPath) ?? fail(`${input.typeName} has no field ${fieldPath}`);
    return path.at(-1)?.fieldKind === "list" ? fail(`${fieldPath} is a list, which a path cannot hold`) : path;
  });
  const bodyField = input.fields.find(({ name }) => name === body);
  if (body !== "" && body !== "*" && bodyField === undefined) fail(`${input.typeName} has no field ${body}`);
  return { method, verb: verb.toUpperCase(), template, bound, body: body === "*" ? "*" : bodyField };
}

/** Builds the table. A template with a verb at its end is tried first. @throws TypeError for two rules of one verb and template */
export function createRouteTable(methods: readonly DescMethodUnary[]): RouteTable {
  const routes = methods.flatMap((method) => readRoute(method) ?? []);
  const patterns = new Map<string, Route>();
  for (const route of routes) {
    const pattern = `${route.verb} ${route.template.replace(VARIABLE, "([^/]+)")}`;
    if (patterns.has(pattern)) throw new TypeError(`${route.method.name}: ${pattern} is taken by another rule`);
    patterns.set(pattern, route);
  }
  const hasVerb = ({ template }: Route): number => (template.includes(":") ? 0 : 1);
  const compiled = [...patterns]
    .map(([pattern, route]) => [new RegExp(`^${pattern}$`), route] as const)
    .sort(([, one], [, other]) => hasVerb(one) - hasVerb(other));

  function match(verb: string, path: string): RouteMatch | undefined {
    const request = `${verb} ${path}`;
    // In a path without variables, a final slash is dropped and an escaped colon before a verb is decoded.
    const literal = patterns.get(request) ?? patterns.get(request.replace(/\/$/, "").replace(/%3a(?=\w+$)/i, ":"));
    if (literal?.bound.length === 0) return { route: literal, values: [] };
    for (const [pattern, route] of compiled) {
      const values = pattern.exec(request)?.slice(1).map(decode);
      if (values?.every((value) => value !== undefined)) return { route, values };
    }
    return undefined;
  }

  const verbs = [...new Set(routes.map(({ verb }) => verb))];
  return { routes, match, methodsAt: (path) => verbs.filter((verb) => match(verb, path) !== undefined) };
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
