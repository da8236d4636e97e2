// Path templates and fields in a URL as OpenAPI's paths and parameters.

import type { DescField, DescMessage, JsonObject } from "@bufbuild/protobuf";
import { isWellKnown } from "../../src/protocols/message.ts";
import { type FieldPath, fitsUrl, formatFieldPath } from "../../src/protocols/query.ts";
import type { Route } from "../../src/protocols/routes.ts";
import type { Schemas } from "./schema.ts";

export interface OpenapiPath {
  readonly path: string;
  /** The path without the names of parameters. OpenAPI takes paths of one shape for the same path. */
  readonly shape: string;
}

/** A template in OpenAPI's form. Escapes `:import` after a literal, which some generators of clients take for a parameter. */
export function readPath({ template, bound }: Route): OpenapiPath {
  const path = bound.length === 0 ? template.replace(/:(?=\w+$)/, "%3A") : template;
  return { path, shape: template.replace(/\{[^}]*\}/g, "{}") };
}

/** The parameters in a path, under the names that the path's first route gave them. */
export function pathParameters({ bound }: Route, names: readonly string[], schemas: Schemas): JsonObject[] {
  return bound.map((path, at): JsonObject => {
    const field = path.at(-1);
    const { description = "", ...schema } = field === undefined ? { type: "string" } : schemas.field(field, "request");
    return { name: names[at] ?? "", in: "path", required: true, description, schema };
  });
}

/** The parameters of a query: every field that neither the path nor the body has. */
export function queryParameters({ method, body, bound }: Route, schemas: Schemas): JsonObject[] {
  if (body === "*") return [];
  const inPath = new Set(bound.map(formatFieldPath));
  return fieldPathsOf(method.input)
    .filter((leaf) => leaf[0] !== body && !inPath.has(formatFieldPath(leaf)))
    .map((leaf) => queryParameter(formatFieldPath(leaf), leaf.at(-1), schemas));
}

function queryParameter(name: string, field: DescField | undefined, schemas: Schemas): JsonObject {
  if (field === undefined) throw new TypeError("the path has no field");
  const { description = "", deprecated, ...schema } = schemas.field(field, "request");
  return { name, in: "query", ...(description !== "" && { description }), ...(deprecated && { deprecated }), schema };
}

/** Every field that a query can hold; a message within itself is entered once. */
function fieldPathsOf(desc: DescMessage, within: FieldPath = []): readonly FieldPath[] {
  return desc.fields.flatMap((field): readonly FieldPath[] => {
    const path = [...within, field];
    if (fitsUrl(field)) return [path];
    if (field.fieldKind !== "message" || isWellKnown(field.message)) return [];
    return within.some(({ message }) => message === field.message) ? [] : fieldPathsOf(field.message, path);
  });
}
