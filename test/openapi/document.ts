// Reads OpenAPI documents, and checks answers against them.

import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";

type JsonObject = Readonly<Record<string, unknown>>;

export function readGenerated(name: "public" | "internal") {
  return openDocument(JSON.parse(readFileSync(`gen/openapi/${name}.json`, "utf8")));
}

/** Opens a document. Its parts are found by JSON pointer (RFC 6901). */
export function openDocument(json: Record<string, unknown>) {
  // Ajv does not know the formats of OpenAPI's registry; ranges and patterns say the same.
  const ajv = new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true, validateFormats: false });
  ajv.addVocabulary(Object.keys(json));
  ajv.addSchema(json, "openapi");
  const operations = Object.entries(objectOf(json["paths"])).flatMap(([path, item]) => operationsOf(path, item));

  /** The object at a pointer, through a `$ref`. */
  function at(pointer: string): JsonObject {
    const found = pointer
      .split("/")
      .slice(1)
      .reduce((value: unknown, name) => objectOf(value)[name.replaceAll("~1", "/").replaceAll("~0", "~")], json);
    const { $ref } = objectOf(found);
    return typeof $ref === "string" ? at($ref.slice(1)) : objectOf(found);
  }

  function operation(id: string) {
    const found = operations.find((one) => one.id === id);
    if (found === undefined) throw new TypeError(`the document has no ${id}`);
    return found;
  }

  const validators = new Map<string, ReturnType<typeof ajv.compile>>();

  /** Why a value does not fit the schema at a pointer; members that the schema does not name are mistakes. */
  function mistakes(pointer: string, value: unknown): string {
    const known = validators.get(pointer);
    const validate =
      known ?? ajv.compile({ $ref: `openapi#${pointer.replaceAll("%", "%25")}`, unevaluatedProperties: false });
    validators.set(pointer, validate);
    return validate(value) ? "" : ajv.errorsText(validate.errors);
  }

  function expectDocumentedHeaders(headers: Headers, pointer: string): void {
    const documented = Object.keys(at(pointer)["headers"] ?? {});
    for (const name of Object.keys(at("/components/headers"))) {
      const value = headers.get(name);
      if (!documented.includes(name)) {
        expect(value, `${name} is not documented`).toBeNull();
        continue;
      }
      const { required = false, schema } = at(`/components/headers/${name}`);
      if (value === null) {
        expect(required, `${name} is documented as required`).toBe(false);
        continue;
      }
      const sent = objectOf(schema)["type"] === "integer" ? Number(value) : value;
      expect(mistakes(`/components/headers/${name}/schema`, sent), `${name} ${value}`).toBe("");
    }
  }

  /** Checks an answer against the documentation of its status, or of the default. @returns its body */
  async function expectDocumented(response: Response, operationId: string, status?: "default"): Promise<JsonObject> {
    const pointer = `${operation(operationId).pointer}/responses/${status ?? response.status}`;
    expect(at(pointer), `${response.status} is documented`).toHaveProperty("content");
    const body: unknown = await response.json();
    expect(mistakes(`${pointer}/content/application~1json/schema`, body), JSON.stringify(body)).toBe("");
    expectDocumentedHeaders(response.headers, pointer);
    return objectOf(body);
  }

  return { json, operations, operation, at, mistakes, expectDocumented };
}

function operationsOf(path: string, item: unknown) {
  const base = `/paths/${path.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return Object.entries(objectOf(item)).map(([verb, one]) => ({
    id: String(objectOf(one)["operationId"]),
    verb: verb.toUpperCase(),
    path,
    pointer: `${base}/${verb}`,
  }));
}

/** The members of an object; none for any other value. */
export function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
