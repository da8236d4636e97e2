// The route table: the services' own routes, the parts of a rule, the choice between rules, impossible rules.

import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { HttpRuleSchema } from "../../gen/es/google/api/http_pb.ts";
import { createRouteTable, readRoute } from "../../src/protocols/routes.ts";
import { get, isUnary, methodsWith, post, type Rule, routeOf } from "./route-rules.ts";

describe("the services' own table", () => {
  const table = createRouteTable([...AuthService.methods, ...AdminService.methods].filter(isUnary));

  test.for([
    ["POST", "/auth/login", "Login"],
    ["GET", "/auth/time", "GetServerTime"],
    ["POST", "/v1/customers/c1/devices", "CreateDevice customer_id=c1"],
    ["POST", "/v1/customers/c1/keys:issue", "IssueCustomerKey customer_id=c1"],
    ["DELETE", "/v1/devices/a%2Fb", "DeleteDevice device_key=a/b"],
    ["POST", "/v1/devices/a%3Ab:deriveKey", "DeriveDeviceKey device_key=a:b"],
    ["POST", "/v1/devices:import", "ImportDevices"],
    ["POST", "/v1/devices%3Aimport", "ImportDevices"],
    ["GET", "/v1/devices/a%3Alimit", "GetDevice device_key=a:limit"],
    ["GET", "/auth/login", "takes POST"],
    ["PATCH", "/v1/customers/c1/devices", "takes POST"],
    ["POST", "/v1/customers/c1/keys", "takes GET"],
    ["POST", "/auth/login/", "Login"],
    ["GET", "/auth/login/", "takes POST"],
    ["POST", "/auth/login//", "takes nothing"],
    ["GET", "/v1/devices/", "ListDevices"],
    ["DELETE", "/v1/devices/d/", "takes nothing"],
    ["POST", "//auth/login", "takes nothing"],
    ["POST", "/AUTH/login", "takes nothing"],
    ["POST", "", "takes nothing"],
    ["POST", "/v1/customers//devices", "takes nothing"],
    ["POST", "/v1/customers/c1/keys:retire", "takes nothing"],
    ["GET", "/v1/devices/%ff", "takes nothing"],
    ["GET", "/v1/devices/%zz", "takes nothing"],
  ] as const)("routes %s %s: %s", ([verb, path, expected]) => {
    expect(routeOf(table, verb, path)).toBe(expected);
  });
});

describe("a rule", () => {
  test("names its verb, template, fields and body", () => {
    const put: Rule = { pattern: { case: "put", value: "/b" }, body: "name" };
    const parts = methodsWith(post("/a/{id}"), put, get("/c"))
      .flatMap((method) => readRoute(method) ?? [])
      .map(({ verb, template, bound, body }) => [
        `${verb} ${template}`,
        bound.map((path) => path.map(({ name }) => name)),
        typeof body === "object" ? body.name : body,
      ]);
    expect(parts).toEqual([
      ["POST /a/{id}", [["id"]], "*"],
      ["PUT /b", [], "name"],
      ["GET /c", [], undefined],
    ]);
  });

  test.for(["get", "put", "post", "delete", "patch"] as const)("has the verb %s in upper case", (verb) => {
    const table = createRouteTable(methodsWith({ pattern: { case: verb, value: "/v1/{id}" } }));
    expect(routeOf(table, verb.toUpperCase(), "/v1/x")).toBe("A id=x");
    expect(routeOf(table, verb, "/v1/x")).toBe(`takes ${verb.toUpperCase()}`);
  });

  test("is optional: a method without one has no route", () => {
    expect(createRouteTable(methodsWith(undefined, get("/v1"))).routes).toHaveLength(1);
  });
});

test("a route does not match the text of its own pattern", () => {
  expect(routeOf(createRouteTable(methodsWith(get("/v1/{id}"))), "GET", "/v1/([^/]+)")).toBe("takes nothing");
});

test("the table names all verbs of a path", () => {
  const rules = [get("/v1/{id}"), { pattern: { case: "delete", value: "/v1/{name}" } } as const, post("/v1/{id}")];
  const table = createRouteTable(methodsWith(...rules, post("/v2")));
  expect(routeOf(table, "DELETE", "/v1/x")).toBe("B name=x");
  expect(routeOf(table, "PUT", "/v1/x")).toBe("takes GET DELETE POST");
});

const UNSUPPORTED = "A: response_body, additional_bindings and custom verbs are not supported";

test.for<readonly [mistake: string, rules: readonly Rule[], message: string]>([
  ["a literal path twice", [get("/v1/a"), get("/v1/a")], "B: GET /v1/a is taken by another rule"],
  ["a template twice", [get("/v1/{id}"), get("/v1/{name}")], "B: GET /v1/([^/]+) is taken by another rule"],
  ["a verb twice", [post("/v1/{id}:go"), post("/v1/{name}:go")], "B: POST /v1/([^/]+):go is taken by another rule"],
  ["an unknown field", [get("/v1/{inner.other}")], "A: test.In has no field inner.other"],
  ["a field within a string", [get("/v1/{id.inner}")], "A: test.In has no field id.inner"],
  ["a list in a path", [get("/v1/{inner.ids}")], "A: inner.ids is a list, which a path cannot hold"],
  ["an unknown body", [{ ...get("/v1"), body: "other" }], "A: test.In has no field other"],
  ["a response body", [{ ...get("/v1"), responseBody: "id" }], UNSUPPORTED],
  ["a further binding", [{ ...get("/v1"), additionalBindings: [create(HttpRuleSchema, get("/v2"))] }], UNSUPPORTED],
  ["a custom verb", [{ pattern: { case: "custom", value: { kind: "PURGE", path: "/v1" } } }], UNSUPPORTED],
  ["a broken template", [get("v1")], "A: the path template v1 is not supported"],
  ["segments within a variable", [get("/v1/{id=a/*}")], "A: the path template /v1/{id=a/*} is not supported"],
  ["a wildcard", [get("/v1/**")], "A: the path template /v1/** is not supported"],
  ["no pattern", [{ body: "*" }], "A: the rule has no pattern"],
])("rejects rules with %s", ([, rules, message]) => {
  expect(() => createRouteTable(methodsWith(...rules))).toThrow(new TypeError(message));
});
