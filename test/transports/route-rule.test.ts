// What a single rule of google.api.http becomes: its verbs, its bindings, its body and its answer.

import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { HttpRuleSchema } from "../../gen/es/google/api/http_pb.ts";
import { createRouteTable, readRoutes } from "../../src/transports/routes.ts";
import { custom, get, methodsWith, post, where } from "./route-rules.ts";

describe("a rule", () => {
  const [whole, field, none] = methodsWith(
    post("/a/{id}"),
    { pattern: { case: "put", value: "/b" }, body: "name", responseBody: "id" },
    get("/c"),
  ).flatMap(readRoutes);

  test("has as its body the message, one field or nothing", () => {
    expect([whole?.verb, whole?.body]).toEqual(["POST", "*"]);
    expect([field?.verb, typeof field?.body === "object" && field.body.name]).toEqual(["PUT", "name"]);
    expect([none?.verb, none?.body]).toEqual(["GET", undefined]);
  });

  test("answers with the message or one field", () => {
    expect(whole?.responseBody).toBeUndefined();
    expect(field?.responseBody?.name).toBe("id");
  });

  test("has its template, and the field of each variable", () => {
    expect(whole?.template.text).toBe("/a/{id}");
    expect(whole?.leaves.map((leaf) => leaf.map(({ name }) => name))).toEqual([["id"]]);
    expect(none?.leaves).toEqual([]);
  });

  test.for(["get", "put", "post", "delete", "patch"] as const)("may have the verb %s", (verb) => {
    const table = createRouteTable(methodsWith({ pattern: { case: verb, value: "/v1/{id}" } }));
    expect(where(table, verb.toUpperCase(), "/v1/x")).toBe("A id=x");
    expect(where(table, verb, "/v1/x")).toBe(`none, ${verb.toUpperCase()} allowed`);
  });

  test("may name a verb of its own", () => {
    const table = createRouteTable(methodsWith(custom("PURGE", "/v1/{id}")));
    expect(where(table, "PURGE", "/v1/x")).toBe("A id=x");
    expect(where(table, "GET", "/v1/x")).toBe("none, PURGE allowed");
  });

  test("may leave the verb open with a star, and gives way to one that names it", () => {
    const table = createRouteTable(methodsWith(custom("*", "/v1/{id}"), get("/v1/{name}")));
    expect(where(table, "DELETE", "/v1/x")).toBe("A id=x");
    expect(where(table, "GET", "/v1/x")).toBe("B name=x");
  });

  test("may bind the same method further, with a body and an answer of its own", () => {
    const further = create(HttpRuleSchema, { ...post("/v2/{name}"), responseBody: "name" });
    const [method] = methodsWith({ ...get("/v1/{id}"), additionalBindings: [further] });
    const routes = method === undefined ? [] : readRoutes(method);
    expect(routes.map(({ body, responseBody }) => [body, responseBody?.name])).toEqual([
      [undefined, undefined],
      ["*", "name"],
    ]);
    const table = createRouteTable(method === undefined ? [] : [method]);
    expect(where(table, "GET", "/v1/x")).toBe("A id=x");
    expect(where(table, "POST", "/v2/x")).toBe("A name=x");
  });
});
