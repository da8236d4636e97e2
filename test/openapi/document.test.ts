// The generated OpenAPI documents are valid and complete.

import type { DescService } from "@bufbuild/protobuf";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { createOpenapi } from "../../scripts/openapi/document.ts";
import { notes } from "../../scripts/openapi-notes.ts";
import { createRouteTable } from "../../src/protocols/routes.ts";
import { mountAll } from "../protocols/mount.ts";
import { echoes, isUnary, service as rules } from "../protocols/rule-service.ts";
import { objectOf, openDocument, readGenerated } from "./document.ts";

/** Documents without notes. */
const plain = { ...notes, commentOf: () => "", services: {}, required: {} };
const ofRules = openDocument(createOpenapi([rules], plain));

describe.each([
  { name: "public", services: [AuthService], document: readGenerated("public") },
  { name: "internal", services: [AuthService, TokenService, AdminService], document: readGenerated("internal") },
  { name: "test", services: [rules], document: ofRules },
])("the $name document", ({ services, document }) => {
  test("is OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(document.json);
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document.json["openapi"]).toMatch(/^3\.1\./);
  });

  test("has every route and no other", () => {
    const table = createRouteTable(services.flatMap(({ methods }: DescService) => methods.filter(isUnary)));
    const ofServices = document.operations.filter(({ id }) => !/^(?:Endpoints|OAuth)_/.test(id));
    const reached = ofServices.map(({ id, verb, path }) => {
      const found = table.match(verb, path.replace(/\{[^}]*\}/g, "1"));
      if (found === undefined || !("route" in found)) return `${id} has no route`;
      expect(id).toMatch(new RegExp(`^${found.route.method.parent.name}_${found.route.method.name}$`));
      return found.route;
    });
    expect(new Set(reached)).toEqual(new Set(table.routes));
    expect(reached).toHaveLength(table.routes.length);
  });

  test("names each operation once, and the parameters of its path", () => {
    const ids = document.operations.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, pointer } of document.operations) {
      const parameters = Object.values(objectOf(document.at(pointer)["parameters"])).map(objectOf);
      const inPath = parameters.filter((one) => one["in"] === "path").map(({ name }) => `{${name}}`);
      expect(inPath).toEqual(path.match(/\{[^}]*\}/g) ?? []);
    }
  });

  test("has valid schemas, and examples that fit them", () => {
    for (const [pointer, { schema, example, examples }] of walk(document.json)) {
      if (schema === undefined) continue;
      const values = Object.values(objectOf(examples)).map((one) => objectOf(one)["value"]);
      document.mistakes(`${pointer}/schema`, null);
      for (const value of example === undefined ? values : [example, ...values]) {
        expect(document.mistakes(`${pointer}/schema`, value), pointer).toBe("");
      }
    }
  });
});

/** The objects that have a description. */
const DESCRIBED =
  /\/(parameters|tags|servers)\/\d+$|\/responses\/\w+$|\/properties\/\w+$|\/components\/\w+\/[\w-]+$|^\/info$/;

test.each(["public", "internal"] as const)("every part of the %s document has a description", (name) => {
  for (const [pointer, { operationId, description, summary }] of walk(readGenerated(name).json)) {
    // The schema that a narrowed reason refers to has the description.
    const isDescribed = DESCRIBED.test(pointer) && !/\/allOf\/1\/properties\/reason$/.test(pointer);
    if (isDescribed || operationId !== undefined) expect(description, pointer).toBeDefined();
    expect([description, summary], pointer).not.toContain("");
  }
});

test("only operators' calls require the admin token", () => {
  const { operations, at } = readGenerated("internal");
  for (const { id, pointer } of operations) {
    const wanted = id.startsWith("AdminService_") ? [{ admin_token: [] }] : undefined;
    expect(at(pointer)["security"], id).toEqual(wanted);
  }
  expect(JSON.stringify(readGenerated("public").json)).not.toMatch(/admin/i);
});

test("paths that differ only in parameter names are one path", () => {
  const ofThings = ofRules.operations.filter(({ path }) => path === "/v1/things/{id}");
  expect(ofThings.map(({ id }) => id)).toEqual(["Rules_Get", "Rules_Create", "Rules_Replace", "Rules_Delete"]);
});

describe("queries and bodies", () => {
  function namesOf(id: string): unknown[] {
    const { parameters } = ofRules.at(ofRules.operation(id).pointer);
    return Object.values(objectOf(parameters)).map((one) => objectOf(one)["name"]);
  }

  test("a query has every field that a URL can carry, and a recursive message once", () => {
    const names = namesOf("Rules_List");
    const flat = ["id", "tags", "at", "wait", "mask", "part.part_id", "part.labels", "other_part.size"];
    expect(names).toEqual(expect.arrayContaining(flat));
    const nested = ["labels", "parts", "structure", "value", "times", "part", "part.inner.part_id"];
    expect(names.filter((name) => nested.includes(String(name)))).toEqual([]);
  });

  test("queries and bodies leave out fields of the path, and a query those of the body", () => {
    expect(namesOf("Rules_Create")).toEqual(["id"]);
    const replace = namesOf("Rules_Replace");
    expect(replace).toContain("other_part.part_id");
    expect(replace.filter((name) => name === "id" || String(name).startsWith("part."))).toEqual(["id"]);
    const { pointer } = ofRules.operation("Rules_Create");
    const { properties } = ofRules.at(`${pointer}/requestBody/content/application~1json/schema`);
    const names = Object.keys(objectOf(properties));
    expect([names.includes("id"), names.includes("name")]).toEqual([false, true]);
  });
});

const server = await mountAll([{ spec: echoes }]);
afterAll(() => server.close(0));

const thing = {
  name: "n",
  count: -3,
  large_count: "18446744073709551615",
  flag: true,
  kind: "KIND_LARGE",
  data: "AAE=",
  maybe: 0,
  tags: ["a"],
  numbers: ["-9223372036854775808"],
  kinds: ["KIND_SMALL"],
  part: { part_id: "p", inner: { size: 7 } },
  parts: [{ labels: ["l"] }],
  labels: { one: "1" },
  at: "2026-01-01T00:00:00Z",
  wait: "1.5s",
  mask: "name,part.size",
  structure: { a: [1, null] },
  value: "v",
  times: ["2026-01-01T00:00:00Z"],
  right: 4,
};

test.for<readonly [id: string, path: string, body?: unknown]>([
  ["Rules_Create", "/v1/things/x", thing],
  ["Rules_Create", "/v1/things/x", {}],
  ["Rules_Tags", "/v1/tags", ["a"]],
  ["Rules_Parts", "/v1/parts", [{ part_id: "p" }]],
  ["Rules_Get", "/v1/things/x?count=many"],
])("requests and answers with every kind of field fit their schemas: %s %s", async ([id, path, body]) => {
  const { pointer, verb } = ofRules.operation(id);
  const sent = body !== undefined && { body: JSON.stringify(body) };
  if (sent) expect(ofRules.mistakes(`${pointer}/requestBody/content/application~1json/schema`, body)).toBe("");
  await ofRules.expectDocumented(await fetch(server.url + path, { method: verb, ...sent }), id);
});

/** Every object in a document, with its pointer. */
function* walk(value: unknown, pointer = ""): Generator<readonly [string, Readonly<Record<string, unknown>>]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [pointer, objectOf(value)];
  for (const [name, member] of Object.entries(value)) {
    yield* walk(member, `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  }
}
