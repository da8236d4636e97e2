// REST over a listener: the handler that a request reaches, and the fields that its parts set (google/api/http.proto).

import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { AuthError } from "../../src/core/errors.ts";
import { mount } from "./mount.ts";
import { serveRules } from "./rule-service.ts";
import { scriptedService } from "./scripted-service.ts";

const server = await serveRules();
afterAll(() => server.close(1_000));
beforeEach(() => {
  server.errors.length = 0;
});

test.for([
  { verb: "GET", path: "/v1/things", method: "List", thing: {} },
  { verb: "GET", path: "/v1/things/a%2Fb%20c", method: "Get", thing: { id: "a/b c" } },
  { verb: "GET", path: "/v1/owners/o/things/x", method: "GetOwned", thing: { owner: "o", id: "x" } },
  { verb: "POST", path: "/v1/things:search?name=n", method: "Search", thing: { name: "n" } },
  { verb: "DELETE", path: "/v1/things/x", method: "Delete", thing: { id: "x" } },
  { verb: "POST", path: "/v1/things/x", body: { name: "n" }, method: "Create", thing: { id: "x", name: "n" } },
  { verb: "POST", path: "/v1/things/x:disable", body: {}, method: "Disable", thing: { id: "x" } },
  { verb: "PUT", path: "/v1/things/x", body: { size: 1 }, method: "Replace", thing: { id: "x", part: { size: 1 } } },
  { verb: "PATCH", path: "/v1/parts/p", body: {}, method: "Patch", thing: { part: { part_id: "p" } } },
  { verb: "GET", path: "/v1/nested/p/7", method: "Nested", thing: { part: { part_id: "p", inner: { size: 7 } } } },
  {
    verb: "GET",
    path: "/v1/typed/KIND_SMALL/-3/true/2021-05-03T12:46:31Z",
    method: "Typed",
    thing: { kind: "KIND_SMALL", count: -3, flag: true, at: "2021-05-03T12:46:31Z" },
  },
])("$verb $path reaches $method", async ({ verb, path, body, method, thing }) => {
  expect(await server.ask(verb, path, body)).toEqual({ status: 200, method, thing });
  expect(server.errors).toEqual([]);
});

test("names the field of a wrong value in the path", async () => {
  const answer = await server.ask("GET", "/v1/nested/p/many");
  expect(answer).toMatchObject({ status: 400, reason: "malformed", field: "part.inner.size" });
});

test.for(["/", "/v1/things/%ff"])("answers not_found where no template matches: %s", async (path) => {
  const message = "there is nothing at this path on this listener";
  expect(await server.ask("GET", path)).toEqual({ status: 404, reason: "not_found", message });
  expect(server.errors).toMatchObject([{ reason: "not_found" }]);
});

test.for([
  { verb: "PATCH", path: "/v1/things/x", allow: "DELETE, GET, HEAD, POST, PUT" },
  { verb: "DELETE", path: "/v1/things", allow: "GET, HEAD" },
  { verb: "OPTIONS", path: "/v1/tags", allow: "PUT" },
  { verb: "HEAD", path: "/v1/tags", allow: "PUT" },
  { verb: "get", path: "/v1/tags", allow: "PUT" },
])("$verb $path is answered 405 with the verbs of the path", async ({ verb, path, allow }) => {
  const response = await fetch(server.url + path, { method: verb });
  expect([response.status, response.headers.get("Allow")?.split(", ").sort().join(", ")]).toEqual([405, allow]);
  expect(server.errors).toMatchObject([{ reason: "method_not_allowed" }]);
});

describe("HEAD", () => {
  test("is answered as GET, without the body", async () => {
    const [get, head] = await Promise.all(
      ["GET", "HEAD"].map((method) => fetch(`${server.url}/v1/things/x?count=1`, { method })),
    );
    expect([head?.status, await head?.text()]).toEqual([200, ""]);
    for (const name of ["Content-Type", "Content-Length", "Cache-Control"]) {
      expect(head?.headers.get(name)).toBe(get?.headers.get(name));
    }
    expect(Number(head?.headers.get("Content-Length"))).toBe((await get?.text())?.length);
  });

  test.for([
    ["/v1/nothing", 404],
    ["/v1/things/x?count=y", 400],
  ] as const)("at %s is answered %i", async ([path, status]) => {
    const response = await fetch(server.url + path, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([status, ""]);
  });
});

test("an answer has all fields of the message, under the contract's names", async () => {
  const answer = JSON.parse(await (await fetch(`${server.url}/v1/things/x`)).text());
  expect(Object.keys(answer)).toEqual(["method", "thing", "names"]);
  expect(answer.thing).toMatchObject({ id: "x", large_count: "0", kind: "KIND_UNSPECIFIED", labels: {} });
});

const WIDE = {
  large_count: "18446744073709551615",
  kind: "KIND_SMALL",
  part: { inner: { size: 1 } },
  parts: [{ size: 1 }, { size: 2 }],
  labels: { a: "b" },
  value: [1, null],
  neither: null,
};
const SET_BY_PATH = "the path overrides only that field of the query";
const SET_IN_BODY = "the path overrides that field of the body in any spelling";
const QUERY_IGNORED = "a body of * leaves no field to the query";

test.for<readonly [behaviour: string, verb: string, path: string, body: unknown, thing: unknown]>([
  [
    "a query sets fields, and unknown names are ignored",
    "GET",
    "/v1/things?name=a&count=3&unknown=1",
    undefined,
    { name: "a", count: 3 },
  ],
  ["a rule without a body ignores one", "POST", "/v1/things:search?name=n", "{not JSON", { name: "n" }],
  [SET_BY_PATH, "GET", "/v1/things/x?id=y&name=n", undefined, { id: "x", name: "n" }],
  [
    SET_BY_PATH,
    "GET",
    "/v1/nested/p/7?part.partId=q&part.size=1&other_part.part_id=q&part.inner.part_id=r",
    undefined,
    { part: { part_id: "p", size: 1, inner: { part_id: "r", size: 7 } }, other_part: { part_id: "q" } },
  ],
  [SET_IN_BODY, "POST", "/v1/things/x", { id: null, name: "n" }, { id: "x", name: "n" }],
  [SET_IN_BODY, "PATCH", "/v1/parts/p", { part_id: "q", size: 1 }, { part: { part_id: "p", size: 1 } }],
  [SET_IN_BODY, "PATCH", "/v1/parts/p", { partId: "q", size: 1 }, { part: { part_id: "p", size: 1 } }],
  [SET_IN_BODY, "PATCH", "/v1/parts/p", { partid: "q" }, { part: { part_id: "p" } }],
  ["a body of * sets every field that is not in the path", "POST", "/v1/things/x", WIDE, { id: "x", ...WIDE }],
  [QUERY_IGNORED, "POST", "/v1/things/x?name=q", { owner: "o" }, { id: "x", owner: "o" }],
  [QUERY_IGNORED, "POST", "/v1/things/x?count=x", { owner: "o" }, { id: "x", owner: "o" }],
  [QUERY_IGNORED, "POST", "/v1/things/x?name=%zz", { owner: "o" }, { id: "x", owner: "o" }],
  [
    "a body of one field sets that field, and the query the rest",
    "PUT",
    "/v1/things/x?name=n&other_part.size=2&part.size=9&part=x",
    { part_id: "p" },
    { id: "x", name: "n", part: { part_id: "p" }, other_part: { size: 2 } },
  ],
  ["a body may be a list of values", "PUT", "/v1/tags?name=n", ["a", "b"], { name: "n", tags: ["a", "b"] }],
  ["a body may be a list of messages", "PUT", "/v1/parts", [{ size: 1 }, {}], { parts: [{ size: 1 }, {}] }],
])("%s: %s %s", async ([, verb, path, body, thing]) => {
  const answer = await server.ask(verb, path, body);
  expect([answer.status, answer.thing]).toEqual([200, thing]);
});

test.for<readonly [verb: string, path: string, body: unknown, expected: object]>([
  ["PATCH", "/v1/parts/p", "[]", {}],
  ["PATCH", "/v1/parts/p", "1", {}],
  ["PATCH", "/v1/parts/p", "null", {}],
  ["PUT", "/v1/things/x", [], { field: "part", message: "part is an array. Send an object" }],
  ["PUT", "/v1/tags", ["a", 1], { field: "tags", message: expect.stringMatching(/^tags/) }],
])("a wrong body is an error, and does not count as empty: %s %s %j", async ([verb, path, body, expected]) => {
  expect(await server.ask(verb, path, body)).toMatchObject({ status: 400, reason: "malformed", ...expected });
});

test("a handler's own error keeps its code, message, details and metadata, and only onError gets the cause of a bug", async () => {
  const errors: AuthError[] = [];
  const listener = await mount(scriptedService(), { onError: (error) => errors.push(error) });
  onTestFinished(async () => void (await listener.close(0)));
  const headers = { "Content-Type": "application/json" };
  const rest = (deviceKey: string): Promise<Response> =>
    fetch(`${listener.url}/auth/login`, { method: "POST", headers, body: JSON.stringify({ device_key: deviceKey }) });
  const foreign = await rest("foreign");
  expect([foreign.status, foreign.headers.get("x-of-error")]).toEqual([404, "set"]);
  expect(await foreign.json()).toMatchObject({
    code: "not_found",
    message: "no such thing, 50 % sure",
    details: [{ type: "google.rpc.ErrorInfo" }],
  });
  expect(errors).toEqual([]);
  for (const bug of ["bug", "trailers"]) {
    const response = await rest(bug);
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining("secret")]);
    expect(errors.splice(0)).toMatchObject([{ reason: "internal", cause: expect.any(Error) }]);
  }
  expect((await rest("type")).headers.get("content-type")).toBe("application/problem+json");
  const unimplemented = await fetch(`${listener.url}/auth/time`);
  expect([unimplemented.status, await unimplemented.json()]).toMatchObject([501, { code: "unimplemented" }]);
});
