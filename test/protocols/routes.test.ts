// The route table finds each rule's route and rejects impossible rules.

import {
  clone,
  create,
  createFileRegistry,
  type DescMethodUnary,
  type MessageInitShape,
  setExtension,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, MethodDescriptorProtoSchema, MethodOptionsSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { http } from "../../gen/es/google/api/annotations_pb.ts";
import { HttpRuleSchema } from "../../gen/es/google/api/http_pb.ts";
import { createRouteTable, type RouteTable, readRoute } from "../../src/protocols/routes.ts";
import { isUnary, service, thing } from "./rule-service.ts";

type Rule = MessageInitShape<typeof HttpRuleSchema>;

const get = (path: string): Rule => ({ pattern: { case: "get", value: path } });
const post = (path: string): Rule => ({ pattern: { case: "post", value: path }, body: "*" });

/** Methods A, B, C … of Thing with these rules; undefined is a method without one. */
function methodsWith(...rules: readonly (Rule | undefined)[]): DescMethodUnary[] {
  const file = clone(FileDescriptorProtoSchema, service.file.proto);
  const inputType = `.${thing.typeName}`;
  const method = rules.map((rule, index) => {
    const options = create(MethodOptionsSchema);
    if (rule !== undefined) setExtension(options, http, create(HttpRuleSchema, rule));
    return create(MethodDescriptorProtoSchema, {
      name: "ABCD"[index] ?? "",
      inputType,
      outputType: inputType,
      options,
    });
  });
  for (const one of file.service) one.method = method;
  const { dependencies } = service.file;
  const registry = createFileRegistry(file, (name) => dependencies.find(({ proto }) => proto.name === name));
  return (registry.getService(service.typeName)?.methods ?? []).filter(isUnary);
}

/** The method and variables of a request; without a route the verbs of its path. */
function routeOf(table: RouteTable, verb: string, path: string): string {
  const match = table.match(verb, path);
  if (match === undefined) return `takes ${table.methodsAt(path).join(" ") || "nothing"}`;
  const { method, bound } = match.route;
  return method.name + match.values.map((value, at) => ` ${bound[at]?.at(-1)?.name}=${value}`).join("");
}

describe("the services' own table", () => {
  const table = createRouteTable([...AuthService.methods, ...AdminService.methods].filter(isUnary));

  test.for([
    ["POST", "/auth/login", "Login"],
    ["POST", "/v1/customers/c1/keys:issue", "IssueCustomerKey customer_id=c1"],
    ["DELETE", "/v1/devices/a%2Fb", "DeleteDevice device_key=a/b"],
    ["POST", "/v1/devices/a%3Ab:deriveKey", "DeriveDeviceKey device_key=a:b"],
    ["POST", "/v1/devices:import", "ImportDevices"],
    ["POST", "/v1/devices%3Aimport", "ImportDevices"],
    ["GET", "/v1/devices/a%3Alimit", "GetDevice device_key=a:limit"],
    ["GET", "/auth/login", "takes POST"],
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
  ["an unknown field", [get("/v1/{part.other}")], "A: test.rules.Thing has no field part.other"],
  ["a field within a string", [get("/v1/{id.part}")], "A: test.rules.Thing has no field id.part"],
  ["a list in a path", [get("/v1/{part.labels}")], "A: part.labels is a list, which a path cannot hold"],
  ["an unknown body", [{ ...get("/v1"), body: "other" }], "A: test.rules.Thing has no field other"],
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
