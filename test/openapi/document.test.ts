// The generated OpenAPI documents, and one of a service with every kind of route, are valid and complete.

import type { DescService } from "@bufbuild/protobuf";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { createOpenapi } from "../../scripts/openapi/document.ts";
import { notes } from "../../scripts/openapi-notes.ts";
import { createRouteTable } from "../../src/protocols/routes.ts";
import { mount } from "../protocols/mount.ts";
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
    const wrong: string[] = [];
    walk(document.json, "", ({ schema, example, examples }, pointer) => {
      if (schema === undefined) return;
      document.mistakes(`${pointer}/schema`, null);
      const values = Object.values(objectOf(examples)).map((one) => objectOf(one)["value"]);
      for (const value of example === undefined ? values : [example, ...values]) {
        const mistakes = document.mistakes(`${pointer}/schema`, value);
        if (mistakes !== "") wrong.push(`${pointer}: ${mistakes}`);
      }
    });
    expect(wrong).toEqual([]);
  });
});

test.each(["public", "internal"] as const)("every part of the %s document has a description", (name) => {
  const { json } = readGenerated(name);
  const bare: string[] = [];
  walk(json, "", (member, pointer) => {
    const asked =
      /\/(parameters|tags|servers)\/\d+$|\/responses\/\w+$|\/properties\/\w+$|\/components\/\w+\/[\w-]+$|^\/info$/.test(
        pointer,
      ) || "operationId" in member;
    const { description, summary = "absent" } = member;
    if (description === "" || summary === "" || (asked && description === undefined)) bare.push(pointer);
  });
  // The schema that a narrowed reason refers to has the description.
  expect(bare.filter((pointer) => !/\/allOf\/1\/properties\/reason$/.test(pointer))).toEqual([]);
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
  const namesOf = (id: string): unknown[] =>
    Object.values(objectOf(ofRules.at(ofRules.operation(id).pointer)["parameters"])).map(
      (one) => objectOf(one)["name"],
    );

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

const server = await mount(echoes);
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

test.each<{ id: string; verb: string; path: string; body?: unknown }>([
  { id: "Rules_Create", verb: "POST", path: "/v1/things/x", body: thing },
  { id: "Rules_Create", verb: "POST", path: "/v1/things/x", body: {} },
  { id: "Rules_Tags", verb: "PUT", path: "/v1/tags", body: ["a"] },
  { id: "Rules_Parts", verb: "PUT", path: "/v1/parts", body: [{ part_id: "p" }] },
  { id: "Rules_Get", verb: "GET", path: "/v1/things/x?count=many" },
])("requests and answers with every kind of field fit their schemas: $id $path", async ({ id, verb, path, body }) => {
  const { pointer } = ofRules.operation(id);
  if (body !== undefined) {
    expect(ofRules.mistakes(`${pointer}/requestBody/content/application~1json/schema`, body)).toBe("");
  }
  const answer = fetch(server.url + path, {
    method: verb,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  await ofRules.expectDocumented(await answer, id);
});

/** Visits every object in a document. */
function walk(
  value: unknown,
  pointer: string,
  visit: (member: Record<string, unknown>, pointer: string) => void,
): void {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) visit(objectOf(value), pointer);
  for (const [name, member] of Object.entries(value)) {
    walk(member, `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, visit);
  }
}
