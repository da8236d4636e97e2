// Path templates and fields in a URL as OpenAPI's paths and parameters. Knows no service.

import type { DescField, JsonObject } from "@bufbuild/protobuf";
import type { Schemas } from "./openapi-schema.ts";
import { type Leaf, leavesOf, placeOf } from "./query.ts";
import type { Route } from "./routes.ts";

/** A wildcard of a path template, by the name that OpenAPI's path has for it. */
interface Wildcard {
  readonly name: string;
  /** `*` or `**`. */
  readonly kind: string;
  /** The field it belongs to; undefined for one outside of every variable. */
  readonly leaf?: Leaf;
  /** The variable's own segments, where it has more than this wildcard. */
  readonly segments?: string;
}

export interface OpenapiPath {
  readonly path: string;
  /** Alike for paths that OpenAPI takes for one: those that differ in nothing but their parameters' names. */
  readonly shape: string;
  readonly wildcards: readonly Wildcard[];
}

/**
 * A template as OpenAPI has it: each wildcard is a parameter, since a value of several segments (`{name=shelves/*}`)
 * would have its slashes encoded by clients, which no template matches.
 */
export function readPath({ template, leaves }: Route): OpenapiPath {
  const wildcards: Wildcard[] = [];
  const add = (wildcard: Wildcard): string => `{${wildcards[wildcards.push(wildcard) - 1]?.name ?? ""}}`;
  let variable = 0;
  const path = template.text.replace(
    /\{([^{}=]+)(?:=([^{}]+))?\}|\*\*?/g,
    (whole, fieldPath: string | undefined, segments = "*") => {
      if (fieldPath === undefined) return add({ name: String(wildcards.length + 1), kind: whole });
      const leaf = leaves[variable++] ?? [];
      if (segments === "*" || segments === "**") return add({ name: fieldPath, kind: segments, leaf });
      let count = 0;
      return segments.replace(/\*\*?/g, (kind: string) =>
        add({ name: `${fieldPath}.${++count}`, kind, leaf, segments }),
      );
    },
  );
  return { path, shape: path.replace(/\{[^}]*\}/g, "{}"), wildcards };
}

/** The parameters in a path, under the names that the path's first route gave them. */
export function pathParameters(own: readonly Wildcard[], names: readonly string[], schemas: Schemas): JsonObject[] {
  return own.map(({ kind, leaf, segments }, place): JsonObject => {
    const field = leaf?.at(-1);
    const { description = "", ...schema } =
      field === undefined || segments !== undefined ? { type: "string" } : schemas.field(field, "request");
    const notes = [
      field === undefined || segments === undefined ? description : `Part of ${placeOf(leaf ?? [])}: ${segments}.`,
      kind === "**" ? "Any number of segments, with their slashes as they are." : "",
      field === undefined && kind === "*" ? "Any one segment." : "",
    ];
    return {
      name: names[place] ?? "",
      in: "path",
      required: true,
      description: notes.filter((note) => note !== "").join(" "),
      schema,
    };
  });
}

/** The parameters of a query: every field that neither the path nor the body has. */
export function queryParameters({ method, body, leaves }: Route, schemas: Schemas): JsonObject[] {
  if (body === "*") return [];
  const bound = new Set(leaves.map(placeOf));
  return leavesOf(method.input)
    .filter((leaf) => leaf[0] !== body && !bound.has(placeOf(leaf)))
    .map((leaf) => queryParameter(placeOf(leaf), leaf.at(-1), schemas));
}

function queryParameter(name: string, field: DescField | undefined, schemas: Schemas): JsonObject {
  if (field === undefined) throw new TypeError("a leaf has a field");
  const { description = "", deprecated, ...schema } = schemas.field(field, "request");
  return { name, in: "query", ...(description !== "" && { description }), ...(deprecated && { deprecated }), schema };
}
