// The route table: the services' own routes, and every rule that a table must keep.

import { describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { createRouteTable, type RouteTable, readRoute } from "../../src/transports/routes.ts";
import { get, isUnary, methodsWith, post } from "./route-rules.ts";

/** Where a request goes, in a line. */
function where(table: RouteTable, verb: string, path: string): string {
  const found = table.match(verb, path);
  if (!("route" in found)) return `none, ${found.allowed.join(" ") || "nothing"} allowed`;
  const variables = [...found.variables].map(([field, value]) => ` ${field.name}=${value}`);
  return found.route.method.name + variables.join("");
}

describe("the services' routes", () => {
  const table = createRouteTable([...AuthService.methods, ...AdminService.methods].filter(isUnary));

  test.for([
    ["POST", "/auth/login", "Login"],
    ["GET", "/auth/time", "GetServerTime"],
    ["POST", "/v1/customers", "CreateCustomer"],
    ["POST", "/v1/customers/c1/devices", "CreateDevice customer_id=c1"],
    ["POST", "/v1/customers/c1/keys:issue", "IssueCustomerKey customer_id=c1"],
    ["GET", "/auth/login", "none, POST allowed"],
    ["PATCH", "/v1/customers/c1/devices", "none, POST allowed"],
    ["POST", "/auth/time", "none, GET allowed"],
    ["POST", "/auth/login/", "none, nothing allowed"],
    ["POST", "//auth/login", "none, nothing allowed"],
    ["POST", "/AUTH/login", "none, nothing allowed"],
    ["POST", "/", "none, nothing allowed"],
    ["POST", "", "none, nothing allowed"],
    ["POST", "/v1/customers//devices", "none, nothing allowed"],
    ["POST", "/v1/customers/c1/keys", "none, nothing allowed"],
    ["POST", "/v1/customers/c1/keys:retire", "none, nothing allowed"],
  ] as const)("%s %s is %s", ([verb, path, expected]) => {
    expect(where(table, verb, path)).toBe(expected);
  });
});

describe("a variable", () => {
  const table = createRouteTable(methodsWith(get("/v1/things/{id}"), get("/v1/{id}/of/{name}")));

  test.for([
    ["/v1/things/plain", "A id=plain"],
    ["/v1/things/a%20b", "A id=a b"],
    ["/v1/things/a%2Fb", "A id=a/b"],
    ["/v1/things/%F0%9F%94%91", "A id=🔑"],
    ["/v1/things/a+b", "A id=a+b"],
    ["/v1/things/a:b", "A id=a:b"],
    ["/v1/things/%257B", "A id=%7B"],
    ["/v1/x/of/y", "B id=x name=y"],
    ["/v1/things/", "none, nothing allowed"],
    ["/v1/things/%", "none, nothing allowed"],
    ["/v1/things/%zz", "none, nothing allowed"],
    ["/v1/things/%ff", "none, nothing allowed"],
    ["/v1/things/a/b", "none, nothing allowed"],
  ] as const)("is one segment, percent-decoded: %s is %s", ([path, expected]) => {
    expect(where(table, "GET", path)).toBe(expected);
  });

  test("gives way to a literal, whichever was declared first", () => {
    for (const paths of [
      ["/v1/{id}", "/v1/list"],
      ["/v1/list", "/v1/{id}"],
    ]) {
      const both = createRouteTable(methodsWith(...paths.map(get)));
      expect(where(both, "GET", "/v1/list")).not.toContain("id=");
      expect(where(both, "GET", "/v1/other")).toContain("id=other");
    }
  });
});

describe("a custom verb", () => {
  const table = createRouteTable(
    methodsWith(post("/v1/{id}:disable"), post("/v1/{id}:enable"), post("/v1/all:disable")),
  );

  test.for([
    ["/v1/x:disable", "A id=x"],
    ["/v1/x:enable", "B id=x"],
    ["/v1/all:disable", "C"],
    ["/v1/a:b:disable", "A id=a:b"],
    ["/v1/x", "none, nothing allowed"],
    ["/v1/:disable", "none, nothing allowed"],
    ["/v1/x:remove", "none, nothing allowed"],
  ] as const)("belongs to the path: %s is %s", ([path, expected]) => {
    expect(where(table, "POST", path)).toBe(expected);
  });

  test("comes before a variable that would swallow it, whichever was declared first", () => {
    for (const paths of [
      ["/v1/{id}:disable", "/v1/{id}"],
      ["/v1/{id}", "/v1/{id}:disable"],
    ]) {
      const both = createRouteTable(methodsWith(...paths.map(post)));
      expect(where(both, "POST", "/v1/x:disable")).toMatch(/ id=x$/);
      expect(where(both, "POST", "/v1/x")).toMatch(/ id=x$/);
    }
  });
});

test("one path with several verbs names them all", () => {
  const table = createRouteTable(
    methodsWith(get("/v1/{id}"), { pattern: { case: "delete", value: "/v1/{id}" } }, post("/v1/{id}"), post("/v2")),
  );
  expect(where(table, "GET", "/v1/x")).toBe("A id=x");
  expect(where(table, "DELETE", "/v1/x")).toBe("B id=x");
  expect(where(table, "PUT", "/v1/x")).toBe("none, GET DELETE POST allowed");
  expect(where(table, "GET", "/v2")).toBe("none, POST allowed");
});

test("a rule's body is the message, one field or nothing", () => {
  const [whole, field, none] = methodsWith(
    post("/a"),
    { pattern: { case: "put", value: "/b" }, body: "name" },
    get("/c"),
  ).map(readRoute);
  expect([whole?.verb, whole?.body]).toEqual(["POST", undefined]);
  expect([field?.verb, field?.body?.name]).toEqual(["PUT", "name"]);
  expect([none?.verb, none?.body]).toEqual(["GET", null]);
});

test("a rule may name a verb of its own", () => {
  const table = createRouteTable(
    methodsWith({ pattern: { case: "custom", value: { kind: "PURGE", path: "/v1/{id}" } } }),
  );
  expect(where(table, "PURGE", "/v1/x")).toBe("A id=x");
});

test("a method without a rule has no route", () => {
  expect(createRouteTable(methodsWith(undefined, get("/v1"))).routes).toHaveLength(1);
});
