// The route table, read from the descriptors' google.api.http options. Knows no service and no request.

import { type DescField, type DescMethodUnary, getOption, hasOption } from "@bufbuild/protobuf";
import { http } from "../../gen/es/google/api/annotations_pb.ts";
import type { HttpRule } from "../../gen/es/google/api/http_pb.ts";
import { compareSpecificity, type PathTemplate, parsePathTemplate } from "./path-template.ts";
import { findLeaf, type Leaf } from "./query.ts";

export interface Route {
  readonly method: DescMethodUnary;
  /** The HTTP verb; `*` for any that no other rule names. */
  readonly verb: string;
  readonly template: PathTemplate;
  /** Where each of the template's variables goes. */
  readonly leaves: readonly Leaf[];
  /** What the HTTP body is: one field, the whole message, or nothing. */
  readonly body: DescField | "*" | undefined;
  /** The field that the answer is made of; undefined for all of them. */
  readonly responseBody: DescField | undefined;
}

/** A route, and the values of its template's variables. */
export interface Match {
  readonly route: Route;
  readonly values: readonly string[];
}

export interface RouteTable {
  readonly routes: readonly Route[];
  /** Finds the route of a request; the verbs that would do, when only the verb is wrong. */
  match(verb: string, path: string): Match | { readonly allowed: readonly string[] };
}

/** Reads the routes of a method: its rule and the additional bindings. @throws TypeError for a rule that cannot be */
export function readRoutes(method: DescMethodUnary): readonly Route[] {
  if (!hasOption(method, http)) return [];
  const rule = getOption(method, http);
  try {
    return [rule, ...rule.additionalBindings].map((binding) => {
      if (binding !== rule && binding.additionalBindings.length > 0)
        throw new TypeError("additional_bindings do not nest");
      return readBinding(method, binding);
    });
  } catch (error) {
    throw new TypeError(`${method.name}: ${error instanceof Error ? error.message : "the rule is wrong"}`);
  }
}

function readBinding(method: DescMethodUnary, rule: HttpRule): Route {
  const { case: kind, value } = rule.pattern;
  if (kind === undefined) throw new TypeError("the rule has no pattern");
  const template = parsePathTemplate(kind === "custom" ? value.path : value);
  const leaves = template.variables.map(({ fieldPath }) => {
    const leaf = findLeaf(method.input, fieldPath);
    if (leaf === undefined) throw new TypeError(`${method.input.typeName} has no field ${fieldPath}`);
    if (leaf.at(-1)?.fieldKind === "list") throw new TypeError(`${fieldPath} is repeated: a path has it once`);
    return leaf;
  });
  return {
    method,
    verb: kind === "custom" ? value.kind : kind.toUpperCase(),
    template,
    leaves,
    body: rule.body === "" ? undefined : rule.body === "*" ? "*" : fieldOf(method.input, rule.body),
    responseBody: rule.responseBody === "" ? undefined : fieldOf(method.output, rule.responseBody),
  };
}

function fieldOf(message: DescMethodUnary["input"], name: string): DescField {
  const field = message.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new TypeError(`${message.typeName} has no field ${name}`);
  return field;
}

/**
 * Builds the table. Of templates that match one path the most specific is taken, whatever their order.
 * @throws TypeError when two rules claim one verb and the same paths
 */
export function createRouteTable(methods: readonly DescMethodUnary[]): RouteTable {
  const routes = methods.flatMap(readRoutes);
  const claimed = new Set<string>();
  for (const { verb, template, method } of routes) {
    const claim = `${verb} ${template.shape}`;
    if (claimed.has(claim)) throw new TypeError(`${method.name}: ${claim} is taken by another rule`);
    claimed.add(claim);
  }

  // Literal paths are found at once, templates in the order of what they say.
  const literals = new Map(
    routes.flatMap((route): [string, Match][] =>
      route.template.literal ? [[`${route.verb} ${route.template.text}`, { route, values: [] }]] : [],
    ),
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
    match(verb, path) {
      return (
        find(verb, path) ??
        // What GET answers, HEAD asks about (RFC 9110, 9.3.2).
        (verb === "HEAD" ? find("GET", path) : undefined) ??
        find("*", path) ?? { allowed: verbs.filter((other) => find(other, path) !== undefined) }
      );
    },
  };
}
