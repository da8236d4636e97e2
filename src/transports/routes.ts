// The route table, read from the descriptors' google.api.http options. Knows no service and no request.

import { type DescField, type DescMethodUnary, getOption, hasOption } from "@bufbuild/protobuf";
import { http } from "../../gen/es/google/api/annotations_pb.ts";

/** A path template's parts: literals, and variables that bind one segment to a string field. */
type Segment = { readonly literal: string } | { readonly variable: DescField };

export interface Route {
  readonly method: DescMethodUnary;
  /** The HTTP verb. */
  readonly verb: string;
  readonly segments: readonly Segment[];
  /** What follows the last segment after a colon; empty for none. */
  readonly custom: string;
  /** The field the body is read into; undefined for the whole message, null for no body. */
  readonly body: DescField | undefined | null;
}

/** A route, and the path's variables by field name. */
export interface Match {
  readonly route: Route;
  readonly variables: ReadonlyMap<DescField, string>;
}

export interface RouteTable {
  readonly routes: readonly Route[];
  /** Finds the route of a request; the verbs that would do, when only the verb is wrong. */
  match(verb: string, path: string): Match | { readonly allowed: readonly string[] };
}

/** Reads the route of a method; undefined when it has none. @throws TypeError for a rule that cannot be served */
export function readRoute(method: DescMethodUnary): Route | undefined {
  if (!hasOption(method, http)) return undefined;
  const rule = getOption(method, http);
  if (rule.additionalBindings.length > 0 || rule.responseBody !== "") {
    throw new TypeError(`${method.name}: additional_bindings and response_body are not served`);
  }
  const { case: kind, value } = rule.pattern;
  if (kind === undefined) throw new TypeError(`${method.name}: the rule has no pattern`);
  const verb = kind === "custom" ? value.kind : kind.toUpperCase();
  const { segments, custom } = readTemplate(method, kind === "custom" ? value.path : value);
  const body = rule.body === "" ? null : rule.body === "*" ? undefined : fieldOf(method, rule.body);
  return { method, verb, segments, custom, body };
}

function readTemplate(method: DescMethodUnary, template: string): { segments: Segment[]; custom: string } {
  const [, path, custom = ""] = /^\/([^:]*)(?::([a-zA-Z]+))?$/.exec(template) ?? [];
  if (path === undefined) throw new TypeError(`${method.name}: ${template} is no path template`);
  const segments = path.split("/").map((segment): Segment => {
    const variable = /^\{([a-z_0-9]+)\}$/.exec(segment)?.[1];
    if (variable !== undefined) return { variable: fieldOf(method, variable) };
    if (!/^[\w.-]+$/.test(segment)) throw new TypeError(`${method.name}: ${segment} is not served in a path template`);
    return { literal: segment };
  });
  return { segments, custom };
}

function fieldOf(method: DescMethodUnary, name: string): DescField {
  const field = method.input.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new TypeError(`${method.name}: ${method.input.typeName} has no field ${name}`);
  return field;
}

/** Builds the table. @throws TypeError when two methods claim one verb and path */
export function createRouteTable(methods: readonly DescMethodUnary[]): RouteTable {
  const routes = methods.map(readRoute).filter((route) => route !== undefined);
  const literal = new Map<string, Match>();
  const templates: Route[] = [];
  const claimed = new Set<string>();

  for (const route of routes) {
    const shape = `${route.verb} ${shapeOf(route)}`;
    if (claimed.has(shape)) throw new TypeError(`${route.method.name}: ${shape} is taken by another method`);
    claimed.add(shape);
    if (route.segments.every((segment) => "literal" in segment)) literal.set(shape, { route, variables: new Map() });
    else templates.push(route);
  }

  function find(verb: string, path: string): Match | undefined {
    const exact = literal.get(`${verb} ${path}`);
    if (exact !== undefined) return exact;
    for (const route of templates) {
      const variables = route.verb === verb ? bind(route, path) : undefined;
      if (variables !== undefined) return { route, variables };
    }
    return undefined;
  }

  const verbs = [...new Set(routes.map(({ verb }) => verb))];
  return {
    routes,
    match(verb, path) {
      return find(verb, path) ?? { allowed: verbs.filter((other) => find(other, path) !== undefined) };
    },
  };
}

function shapeOf({ segments, custom }: Route): string {
  const path = segments.map((segment) => ("literal" in segment ? segment.literal : "*")).join("/");
  return `/${path}${custom === "" ? "" : `:${custom}`}`;
}

function bind({ segments, custom }: Route, path: string): Map<DescField, string> | undefined {
  const suffix = custom === "" ? "" : `:${custom}`;
  if (!path.startsWith("/") || !path.endsWith(suffix)) return undefined;
  const parts = path.slice(1, path.length - suffix.length).split("/");
  if (parts.length !== segments.length) return undefined;
  const variables = new Map<DescField, string>();
  for (const [place, segment] of segments.entries()) {
    const part = parts[place] ?? "";
    if ("literal" in segment) {
      if (segment.literal !== part) return undefined;
      continue;
    }
    const decoded = percentDecode(part);
    if (decoded === undefined || decoded === "") return undefined;
    variables.set(segment.variable, decoded);
  }
  return variables;
}

function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
