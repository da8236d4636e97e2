// The route table, read from the descriptors' google.api.http options.

import { type DescField, type DescMethodUnary, getOption, hasOption } from "@bufbuild/protobuf";
import { http } from "../../gen/es/google/api/annotations_pb.ts";
import { compareSpecificity, type PathTemplate, parsePathTemplate } from "./path-template.ts";
import { type FieldPath, findFieldPath } from "./query.ts";

export interface Route {
  readonly method: DescMethodUnary;
  /** The HTTP method. */
  readonly verb: string;
  readonly template: PathTemplate;
  /** The field that each of the template's variables sets. */
  readonly bound: readonly FieldPath[];
  /** What the HTTP body sets: one field, the whole message (`*`), or nothing. */
  readonly body: DescField | "*" | undefined;
}

/** A route, and the values of its template's variables. */
export interface Match {
  readonly route: Route;
  readonly values: readonly string[];
}

export interface RouteTable {
  readonly routes: readonly Route[];
  /** Finds the route of a request. */
  match(verb: string, path: string): Match | undefined;
  /** The HTTP methods that a path takes; none: no route is at it. */
  methodsAt(path: string): readonly string[];
}

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
  const template = parsePathTemplate(pattern.value);
  const bound = template.fieldPaths.map((fieldPath) => {
    const path = findFieldPath(input, fieldPath) ?? fail(`${input.typeName} has no field ${fieldPath}`);
    return path.at(-1)?.fieldKind === "list" ? fail(`${fieldPath} is repeated: a path has it once`) : path;
  });
  const bodyField = input.fields.find(({ name }) => name === body);
  if (body !== "" && body !== "*" && bodyField === undefined) fail(`${input.typeName} has no field ${body}`);
  return { method, verb: pattern.case.toUpperCase(), template, bound, body: body === "*" ? "*" : bodyField };
}

/**
 * Builds the table. Of several templates that match a path the most specific wins, whatever their order.
 * @throws TypeError when two rules claim one verb and the same paths
 */
export function createRouteTable(methods: readonly DescMethodUnary[]): RouteTable {
  const routes = methods.flatMap((method) => readRoute(method) ?? []);
  const claimed = new Set<string>();
  for (const { verb, template, method } of routes) {
    const claim = `${verb} ${template.shape}`;
    if (claimed.has(claim)) throw new TypeError(`${method.name}: ${claim} is taken by another rule`);
    claimed.add(claim);
  }

  const isLiteral = ({ bound }: Route): boolean => bound.length === 0;
  const literals = new Map(
    routes
      .filter(isLiteral)
      .map((route): [string, Match] => [`${route.verb} ${route.template.text}`, { route, values: [] }]),
  );
  const ordered = routes.toSorted((one, other) => compareSpecificity(one.template, other.template));

  function find(verb: string, path: string): Match | undefined {
    const literal = literals.get(`${verb} ${path}`);
    if (literal !== undefined) return literal;
    for (const route of ordered) {
      const values = route.verb === verb ? route.template.match(path) : undefined;
      if (values !== undefined) return { route, values };
    }
    return undefined;
  }

  const verbs = [...new Set(routes.map(({ verb }) => verb))];
  return {
    routes,
    // HEAD asks about what GET answers (RFC 9110, 9.3.2).
    match: (verb, path) => find(verb === "HEAD" ? "GET" : verb, path),
    methodsAt: (path) => verbs.filter((verb) => find(verb, path) !== undefined),
  };
}
