// The route table: the services' own routes, and which of several rules a request goes to.

import { describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { createRouteTable } from "../../src/transports/routes.ts";
import { get, isUnary, methodsWith, post, where } from "./route-rules.ts";

describe("the services' routes", () => {
  const table = createRouteTable([...AuthService.methods, ...AdminService.methods].filter(isUnary));

  test.for([
    ["POST", "/auth/login", "Login"],
    ["GET", "/auth/time", "GetServerTime"],
    ["POST", "/v1/customers", "CreateCustomer"],
    ["POST", "/v1/customers/c1/devices", "CreateDevice customer_id=c1"],
    ["POST", "/v1/customers/c1/keys:issue", "IssueCustomerKey customer_id=c1"],
    ["GET", "/auth/login", "none, POST allowed"],
    ["PATCH", "/v1/customers/c1", "UpdateCustomer customer_id=c1"],
    ["DELETE", "/v1/devices/a%2Fb", "DeleteDevice device_key=a/b"],
    ["POST", "/v1/devices/a%3Ab:deriveKey", "DeriveDeviceKey device_key=a:b"],
    ["POST", "/v1/devices:import", "ImportDevices"],
    ["PATCH", "/v1/customers/c1/devices", "none, POST allowed"],
    ["POST", "/auth/time", "none, GET allowed"],
    ["POST", "/auth/login/", "none, nothing allowed"],
    ["POST", "//auth/login", "none, nothing allowed"],
    ["POST", "/AUTH/login", "none, nothing allowed"],
    ["POST", "/", "none, nothing allowed"],
    ["POST", "", "none, nothing allowed"],
    ["POST", "/v1/customers//devices", "none, nothing allowed"],
    ["POST", "/v1/customers/c1/keys", "none, GET allowed"],
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
    methodsWith(get("/v1/{id}"), { pattern: { case: "delete", value: "/v1/{name}" } }, post("/v1/{id}"), post("/v2")),
  );
  expect(where(table, "GET", "/v1/x")).toBe("A id=x");
  expect(where(table, "DELETE", "/v1/x")).toBe("B name=x");
  expect(where(table, "PUT", "/v1/x")).toBe("none, GET DELETE POST allowed");
  expect(where(table, "GET", "/v2")).toBe("none, POST allowed");
});

test("a method without a rule has no route", () => {
  expect(createRouteTable(methodsWith(undefined, get("/v1"))).routes).toHaveLength(1);
});

describe("of the templates that match a path", () => {
  test.for([
    {
      templates: ["/v1/things/all", "/v1/things/*", "/v1/things/**", "/v1/**"],
      paths: ["/v1/things/all", "/v1/things/a", "/v1/things/a/b", "/v1/other"],
    },
    {
      templates: ["/v1/things/{id}:go", "/v1/things/{id}", "/v1/{name=things/**}"],
      paths: ["/v1/things/a:go", "/v1/things/a", "/v1/things/a/b"],
    },
    { templates: ["/v1/{name=things/*}", "/v1/*/{id}", "/{name=**}"], paths: ["/v1/things/a", "/v1/a/b", "/v1"] },
    { templates: ["/v1/a/{id}", "/v1/{id}/b", "/v1/{id}/{name}"], paths: ["/v1/a/b", "/v1/c/b", "/v1/c/d"] },
  ])("the most specific is taken, whatever the order of the rules: $templates", ({ templates, paths }) => {
    for (const order of [templates, templates.toReversed()]) {
      const table = createRouteTable(methodsWith(...order.map(get)));
      const taken = paths.map((path) => {
        const found = table.match("GET", path);
        return "route" in found ? found.route.template.text : undefined;
      });
      expect(taken).toEqual(templates);
    }
  });

  test("one that a path merely looks like is not taken for it", () => {
    const table = createRouteTable(methodsWith(get("/v1/{name=things}")));
    expect(where(table, "GET", "/v1/things")).toBe("A name=things");
    expect(where(table, "GET", "/v1/{name=things}")).toBe("none, nothing allowed");
  });
});
