// REST over a listener: which handler a request reaches, HEAD and OPTIONS (google/api/http.proto).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type RuleServer, serveRules } from "./rule-service.ts";

let server: RuleServer;
beforeAll(async () => {
  server = await serveRules();
});
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
