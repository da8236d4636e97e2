// The generated OpenAPI documents, and one of every rule that google/api/http.proto has: valid, complete, described.

import type { DescService } from "@bufbuild/protobuf";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { notes } from "../../scripts/openapi-notes.ts";
import { createOpenapi } from "../../src/transports/openapi.ts";
import { createRouteTable } from "../../src/transports/routes.ts";
import { objectOf, openDocument, readGenerated } from "./openapi.ts";
import { get, isUnary, methodsWith, post, type Rule } from "./route-rules.ts";
import { service as rules } from "./rule-service.ts";

/** Nothing but what descriptors say. */
const plain = { ...notes, commentOf: () => "", services: {}, required: {} };
const ofRules = openDocument(createOpenapi([rules], plain));

describe.each([
  { name: "public", services: [AuthService], document: readGenerated("public") },
  { name: "internal", services: [AuthService, TokenService, AdminService], document: readGenerated("internal") },
  { name: "a test's own", services: [rules], document: ofRules },
])("the document, $name", ({ services, document }) => {
  test("is OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(document.json);
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document.json["openapi"]).toMatch(/^3\.1\./);
  });

  test("has every route, and no other", () => {
    const table = createRouteTable(services.flatMap(({ methods }: DescService) => methods.filter(isUnary)));
    const reached = document.operations.map(({ id, verb, path }) => {
      const found = table.match(verb === "*" ? "ANY" : verb, path.replace(/\{[^}]*\}/g, "1"));
      if (!("route" in found)) return `${id} is no route`;
      expect(id).toMatch(new RegExp(`^${found.route.method.parent.name}_${found.route.method.name}(_[0-9])?$`));
      return found.route;
    });
    expect(new Set(reached)).toEqual(new Set(table.routes));
    expect(reached).toHaveLength(table.routes.length);
  });

  test("names each operation once, and its path's parameters", () => {
    const ids = document.operations.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, pointer } of document.operations) {
      const parameters = Object.values(objectOf(document.at(pointer)["parameters"])).map(objectOf);
      const inPath = parameters.filter((one) => one["in"] === "path").map(({ name }) => `{${name}}`);
      expect(inPath).toEqual(path.match(/\{[^}]*\}/g) ?? []);
    }
  });

  test("has schemas that a validator can compile, and examples that fit theirs", () => {
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

test.each(["public", "internal"] as const)("all that there is in the %s document is described", (name) => {
  const { json } = readGenerated(name);
  const bare: string[] = [];
  walk(json, "", (member, pointer) => {
    const asked =
      /\/(parameters|tags|servers)\/\d+$|\/responses\/\w+$|\/properties\/\w+$|\/components\/\w+\/[\w-]+$|^\/info$/.test(
        pointer,
      ) || "operationId" in member;
    const { description, summary = "there" } = member;
    if (description === "" || summary === "" || (asked && description === undefined)) bare.push(pointer);
  });
  // A narrowed reason is described where it is whole.
  expect(bare.filter((pointer) => !/\/allOf\/1\/properties\/reason$/.test(pointer))).toEqual([]);
});

test("operators' calls take the admin token, devices' nothing", () => {
  const { operations, at } = readGenerated("internal");
  for (const { id, pointer } of operations) {
    const wanted = id.startsWith("AdminService_") ? [{ admin_token: [] }] : undefined;
    expect(at(pointer)["security"], id).toEqual(wanted);
  }
  expect(JSON.stringify(readGenerated("public").json)).not.toMatch(/admin/i);
});

test("notes that miss a method, or have one too many, are an error", () => {
  const { methods: { Login, GetServerTime } = {} } = notes.services[AuthService.typeName] ?? {};
  if (Login === undefined || GetServerTime === undefined) throw new TypeError("there are notes on both");
  const documentWith = (methods: Record<string, typeof Login>) => () =>
    createOpenapi([AuthService], { ...plain, services: { [AuthService.typeName]: { methods } } });
  expect(documentWith({ Login })).toThrow("no notes on countersign.auth.v1.AuthService.GetServerTime");
  expect(documentWith({ Login, GetServerTime, Logout: Login })).toThrow(
    "no method countersign.auth.v1.AuthService.Logout",
  );
});

describe("paths", () => {
  const pathOf = (id: string): string | undefined => ofRules.operations.find((one) => one.id === id)?.path;

  test.each([
    ["Rules_Get", "/v1/things/{id}"],
    ["Rules_Get_2", "/v1/owners/{owner}/things/{id}"],
    ["Rules_Disable", "/v1/things/{id}:disable"],
    ["Rules_Nested", "/v1/nested/{part.part_id}/{part.inner.size}"],
    ["Rules_Named", "/v1/shelves/{name.1}/books/{name.2}"],
    ["Rules_File", "/v1/files/{name}"],
  ])("%s is %s", (id, path) => expect(pathOf(id)).toBe(path));

  const pathsOf = (...own: readonly Rule[]): string[] => {
    const [method] = methodsWith(...own);
    if (method === undefined) throw new TypeError("there is a method");
    return openDocument(createOpenapi([method.parent], plain)).operations.map(({ verb, path }) => `${verb} ${path}`);
  };

  test("that differ in names alone are one, under the names of the first", () => {
    expect(pathsOf(get("/a/{id}"), post("/a/{name}"))).toEqual(["GET /a/{id}", "POST /a/{id}"]);
  });

  test("keep the wildcards outside of variables", () => {
    expect(pathsOf(get("/a/*/{id}/**"))).toEqual(["GET /a/{1}/{id}/{3}"]);
  });

  test("that OpenAPI cannot tell apart are an error", () => {
    expect(() => pathsOf(get("/a/{id}"), get("/a/{name=**}"))).toThrow("GET /a/{name} is two routes");
  });
});

describe("queries and bodies", () => {
  const namesOf = (id: string): unknown[] => {
    const operation = ofRules.operations.find((one) => one.id === id);
    return Object.values(objectOf(ofRules.at(operation?.pointer ?? "")["parameters"])).map(
      (one) => objectOf(one)["name"],
    );
  };

  test("a query has every field that can be written in a URL, and a message within itself once", () => {
    const names = namesOf("Rules_List");
    for (const name of [
      "id",
      "tags",
      "at",
      "wait",
      "mask",
      "bytes_value",
      "part.part_id",
      "part.labels",
      "other_part.size",
    ]) {
      expect(names).toContain(name);
    }
    for (const name of ["labels", "parts", "structure", "value", "any", "times", "part", "part.inner.part_id"]) {
      expect(names).not.toContain(name);
    }
  });

  test("a query leaves out what the path or the body has", () => {
    expect(namesOf("Rules_Create")).toEqual(["id"]);
    const replace = namesOf("Rules_Replace");
    expect(replace).toContain("other_part.part_id");
    expect(replace.filter((name) => name === "id" || String(name).startsWith("part."))).toEqual(["id"]);
  });

  test("a body leaves out what the path has", () => {
    const pointer = ofRules.operations.find(({ id }) => id === "Rules_Create")?.pointer;
    const schema = ofRules.at(`${pointer}/requestBody/content/application~1json/schema`);
    expect(Object.keys(objectOf(schema["properties"]))).not.toContain("id");
    expect(Object.keys(objectOf(schema["properties"]))).toContain("name");
  });
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
