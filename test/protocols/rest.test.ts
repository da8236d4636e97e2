// REST requests reach their handlers with the right fields (google/api/http.proto).

import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { AuthError } from "../../src/core/errors.ts";
import { postLogin } from "../gateway.ts";
import { mountAll, scriptedService } from "./mount.ts";
import { echoes, thing as thingDesc } from "./rule-service.ts";

const errors: AuthError[] = [];
const services = [echoes, scriptedService()].map((spec) => ({ spec }));
const listener = await mountAll(services, { onError: (error) => errors.push(error) });
afterAll(() => listener.close(0));
beforeEach(() => {
  errors.length = 0;
});

/** Sends a body as it is, or as JSON. @returns the status and the answer; a handler's Thing without its unset fields */
async function ask(verb: string, path: string, body?: unknown) {
  const response = await fetch(listener.url + path, {
    method: verb,
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    headers: { "Content-Type": "application/json" },
  });
  const { method, thing, ...answer } = JSON.parse(await response.text());
  if (thing === undefined) return { status: response.status, ...answer };
  return { status: response.status, method, thing: withoutDefaults(thing) };
}

const withoutDefaults = (json: JsonValue): JsonValue =>
  toJson(thingDesc, fromJson(thingDesc, json), { useProtoFieldName: true });

const WIDE = {
  large_count: "18446744073709551615",
  kind: "KIND_SMALL",
  part: { inner: { size: 1 } },
  parts: [{ size: 1 }, { size: 2 }],
  labels: { a: "b" },
  value: [1, null],
  neither: null,
};

type Row = readonly [verb: string, path: string, body: unknown, method: string, thing: unknown];

async function reaches([verb, path, body, method, thing]: Row): Promise<void> {
  expect(await ask(verb, path, body)).toEqual({ status: 200, method, thing });
  expect(errors).toEqual([]);
}

test.for<Row>([
  ["GET", "/v1/things", undefined, "List", {}],
  ["GET", "/v1/things?name=a&count=3&unknown=1", undefined, "List", { name: "a", count: 3 }],
  ["POST", "/v1/things:search?name=n", "{not JSON", "Search", { name: "n" }],
])("a query sets fields; unknown names are ignored, and a body that the rule does not have: %s %s", reaches);

test.for<Row>([
  ["GET", "/v1/things/a%2Fb%20c", undefined, "Get", { id: "a/b c" }],
  ["GET", "/v1/owners/o/things/x", undefined, "GetOwned", { owner: "o", id: "x" }],
  ["DELETE", "/v1/things/x", undefined, "Delete", { name: "x" }],
  ["POST", "/v1/things/x:disable", {}, "Disable", { id: "x" }],
  ["GET", "/v1/typed/KIND_SMALL/-3/true", undefined, "Typed", { kind: "KIND_SMALL", count: -3, flag: true }],
])("the path sets its fields, of any type: %s %s", reaches);

const nested = { part: { part_id: "p", size: 1, inner: { part_id: "r", size: 7 } } };
test.for<Row>([
  ["GET", "/v1/things/x?id=y&id=z&name=n", undefined, "Get", { id: "x", name: "n" }],
  ["GET", "/v1/nested/p/7?part.partId=q&part.size=1&part.inner.part_id=r", undefined, "Nested", nested],
  ["POST", "/v1/things/x", { id: null, name: "n" }, "Create", { id: "x", name: "n" }],
  ["PATCH", "/v1/parts/p", { partId: "q", size: 1 }, "Patch", { part: { part_id: "p", size: 1 } }],
  ["PATCH", "/v1/parts/p", { partid: "q" }, "Patch", { part: { part_id: "p" } }],
])("the path overrides only its field of the query, and of the body in any spelling: %s %s %j", reaches);

test.for<Row>([
  ["POST", "/v1/things/x", WIDE, "Create", { id: "x", ...WIDE }],
  ["POST", "/v1/things/x?name=q&count=x&owner=%zz", { owner: "o" }, "Create", { id: "x", owner: "o" }],
])("a body of * sets every field that is not in the path, and leaves none to the query: %s %s", reaches);

const replaced = { id: "x", name: "n", part: { part_id: "p" }, other_part: { size: 2 } };
test.for<Row>([
  ["PUT", "/v1/things/x?name=n&other_part.size=2&part.size=9&part=x", { part_id: "p" }, "Replace", replaced],
  ["PUT", "/v1/tags?name=n", ["a", "b"], "Tags", { name: "n", tags: ["a", "b"] }],
  ["PUT", "/v1/parts", [{ size: 1 }, {}], "Parts", { parts: [{ size: 1 }, {}] }],
])("a body of one field sets that field, and the query the rest: %s %s", reaches);

test.for<readonly [verb: string, path: string, body: unknown, expected: object]>([
  ["GET", "/v1/nested/p/many", undefined, { field: "part.inner.size" }],
  ["PATCH", "/v1/parts/p", "[]", {}],
  ["PATCH", "/v1/parts/p", "null", {}],
  ["PUT", "/v1/things/x", [], { field: "part", message: "part is an array. Send an object" }],
  ["PUT", "/v1/tags", ["a", 1], { field: "tags", message: expect.stringMatching(/^tags/) }],
])(
  "a wrong variable or body is an error, and does not count as empty: %s %s %j",
  async ([verb, path, body, expected]) => {
    expect(await ask(verb, path, body)).toMatchObject({ status: 400, reason: "malformed", ...expected });
  },
);

test.for(["/", "/v1/things/%ff"])("answers not_found where no template matches: %s", async (path) => {
  const message = "there is nothing at this path on this listener";
  expect(await ask("GET", path)).toMatchObject({ status: 404, reason: "not_found", message });
  expect(errors).toMatchObject([{ reason: "not_found" }]);
});

test.for([
  { verb: "PATCH", path: "/v1/things/x", allow: "DELETE, GET, HEAD, POST, PUT" },
  { verb: "DELETE", path: "/v1/things", allow: "GET, HEAD" },
  { verb: "OPTIONS", path: "/v1/tags", allow: "PUT" },
  { verb: "HEAD", path: "/v1/tags", allow: "PUT" },
  { verb: "get", path: "/v1/tags", allow: "PUT" },
])("$verb $path is answered 405 with the verbs of the path", async ({ verb, path, allow }) => {
  const response = await fetch(listener.url + path, { method: verb });
  expect([response.status, response.headers.get("Allow")?.split(", ").sort().join(", ")]).toEqual([405, allow]);
  expect(errors).toMatchObject([{ reason: "method_not_allowed" }]);
});

test("HEAD is answered as GET, without the body", async () => {
  const [get, head] = await Promise.all(
    ["GET", "HEAD"].map((method) => fetch(`${listener.url}/v1/things/x?count=1`, { method })),
  );
  expect([head?.status, await head?.text()]).toEqual([200, ""]);
  for (const name of ["Content-Type", "Content-Length", "Cache-Control"]) {
    expect(head?.headers.get(name)).toBe(get?.headers.get(name));
  }
  expect(Number(head?.headers.get("Content-Length"))).toBe((await get?.text())?.length);
});

test("an answer has all fields of the message, under the contract's names", async () => {
  const answer = JSON.parse(await (await fetch(`${listener.url}/v1/things/x`)).text());
  expect(Object.keys(answer)).toEqual(["method", "thing", "names"]);
  expect(answer.thing).toMatchObject({ id: "x", large_count: "0", kind: "KIND_UNSPECIFIED", labels: {} });
});

describe("a handler", () => {
  const logIn = (deviceKey: string): Promise<Response> => postLogin(listener.url, { device_key: deviceKey });

  test("keeps the code, message, details and metadata of its own error, which is not reported", async () => {
    const answer = await logIn("foreign");
    expect([answer.status, answer.headers.get("x-of-error")]).toEqual([404, "set"]);
    expect(await answer.json()).toMatchObject({
      code: "not_found",
      message: "no such thing, 50 % sure",
      details: [{ type: "google.rpc.ErrorInfo" }],
    });
    expect(errors).toEqual([]);
  });

  test.for(["bug", "trailers"])("has a bug (%s) whose cause is reported and not sent", async (bug) => {
    const answer = await logIn(bug);
    expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining("secret")]);
    expect(errors).toMatchObject([{ reason: "internal", cause: expect.any(Error) }]);
  });

  test("may set its own Content-Type", async () => {
    expect((await logIn("type")).headers.get("content-type")).toBe("application/problem+json");
  });

  test("that is missing is answered unimplemented", async () => {
    expect(await ask("GET", "/auth/time")).toMatchObject({ status: 501, code: "unimplemented" });
  });
});
