// REST over a real listener: which handler a request reaches by google/api/http.proto, and who is told what else.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { exchange } from "./raw-http.ts";
import { type RuleServer, serveRules } from "./rule-service.ts";

const EPOCH = "1970-01-01T00:00:00Z";

let server: RuleServer;
beforeAll(async () => {
  server = await serveRules();
});
afterAll(() => server.close(1_000));
beforeEach(() => server.forget());

describe("a rule", () => {
  test.for([
    { verb: "GET", path: "/v1/things/x", method: "Get", thing: { id: "x" } },
    { verb: "GET", path: "/v1/things", method: "List", thing: {} },
    { verb: "DELETE", path: "/v1/things/x", method: "Delete", thing: { id: "x" } },
    { verb: "PURGE", path: "/v1/things/x", method: "Purge", thing: { id: "x" } },
    { verb: "POST", path: "/v1/things/x", body: { name: "n" }, method: "Create", thing: { id: "x", name: "n" } },
    { verb: "POST", path: "/v1/things/x:disable", body: {}, method: "Disable", thing: { id: "x" } },
    {
      verb: "PUT",
      path: "/v1/things/x",
      body: { size: 1 },
      method: "Replace",
      thing: { id: "x", part: { size: 1 } },
    },
    {
      verb: "PATCH",
      path: "/v1/parts/p",
      body: { size: 1 },
      method: "Patch",
      thing: { part: { part_id: "p", size: 1 } },
    },
  ])("has its verb: $verb $path reaches $method", async ({ verb, path, body, method, thing }) => {
    expect(await server.ask(verb, path, body)).toEqual({ status: 200, method, thing });
    expect(server.refused).toEqual([]);
  });

  test.for([
    { verb: "GET", path: "/v1/owners/o/things/x", thing: { owner: "o", id: "x" } },
    { verb: "POST", path: "/v1/things:search?name=n", thing: { name: "n" } },
  ])("has further bindings: $verb $path", async ({ verb, path, thing }) => {
    expect(await server.ask(verb, path)).toEqual({ status: 200, method: "Get", thing });
  });

  test.for(["GET", "POST", "PURGE", "OPTIONS"])("may leave its verb open: %s", async (verb) => {
    expect(await server.ask(verb, "/v1/any/x")).toEqual({ status: 200, method: "Any", thing: { id: "x" } });
  });
});

describe("a path", () => {
  test.for([
    { path: "/v1/things/a%2Fb%20c", thing: { id: "a/b c" } },
    { path: "/v1/things/%F0%9F%94%91", thing: { id: "🔑" } },
    { path: "/v1/%74hings/x", thing: { id: "x" } },
    { path: "/v1/nested/p/7", thing: { part: { part_id: "p", inner: { size: 7 } } } },
    { path: "/v1/shelves/a/books/b%2Fc%20d", thing: { name: "shelves/a/books/b%2Fc d" } },
    { path: "/v1/files/a/b/c.txt", thing: { name: "a/b/c.txt" } },
    { path: "/v1/files", thing: {} },
    {
      path: "/v1/typed/KIND_SMALL/3/true/2021-05-03T12:46:31Z",
      thing: { kind: "KIND_SMALL", count: 3, flag: true, at: "2021-05-03T12:46:31Z" },
    },
    { path: "/v1/typed/2/-3/false/1970-01-01T00%3A00%3A00Z", thing: { kind: "KIND_SMALL", count: -3, at: EPOCH } },
  ])("gives its variables to the fields they name: $path", async ({ path, thing }) => {
    expect((await server.ask("GET", path)).thing).toEqual(thing);
  });

  test.for([
    { path: "/v1/typed/HUGE/1/true/1970-01-01T00:00:00Z", field: "kind" },
    { path: "/v1/typed/1/x/true/1970-01-01T00:00:00Z", field: "count" },
    { path: "/v1/typed/1/1/yes/1970-01-01T00:00:00Z", field: "flag" },
    { path: "/v1/typed/1/1/true/now", field: "at" },
    { path: "/v1/nested/p/many", field: "part.inner.size" },
  ])("has a wrong value told by its field: $path", async ({ path, field }) => {
    expect(await server.ask("GET", path)).toMatchObject({ status: 400, reason: "malformed", field });
  });

  test.for([
    "/",
    "/v1",
    "/v1/things/",
    "/v1/things/x/y",
    "/v1//things",
    "/V1/things",
    "/v1/shelves/a",
    "/v1/things/%ff",
  ])("that no template matches is not found: %s", async (path) => {
    const told = { status: 404, reason: "not_found", message: "there is nothing at this path on this listener" };
    expect(await server.ask("GET", path)).toEqual(told);
    expect(server.refused).toMatchObject([{ reason: "not_found" }]);
  });
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
    ["/v1/tags", 405],
    ["/v1/things/x?count=y", 400],
  ] as const)("is refused as GET is: %s", async ([path, status]) => {
    const response = await fetch(server.url + path, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([status, ""]);
  });

  test("may have a rule of its own", async () => {
    const response = await fetch(`${server.url}/v1/heads/x`, { method: "HEAD" });
    expect(response.status).toBe(200);
  });
});

describe("a verb that a path does not take", () => {
  test.for([
    { verb: "PATCH", path: "/v1/things/x", allow: ["GET", "HEAD", "POST", "PUT", "DELETE", "PURGE"] },
    { verb: "PUT", path: "/v1/answer/x", allow: ["GET", "HEAD"] },
    { verb: "DELETE", path: "/v1/things", allow: ["GET", "HEAD"] },
    { verb: "GET", path: "/v1/tags", allow: ["PUT"] },
    { verb: "HEAD", path: "/v1/tags", allow: ["PUT"] },
    { verb: "get", path: "/v1/tags", allow: ["PUT"] },
  ])("$verb $path is told which it does", async ({ verb, path, allow }) => {
    const response = await fetch(server.url + path, { method: verb });
    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")?.split(", ").toSorted()).toEqual([...allow, "OPTIONS"].toSorted());
    expect(server.refused).toMatchObject([{ reason: "method_not_allowed" }]);
  });

  test("has its refusal in the body, too", async () => {
    const { status, reason } = await server.ask("GET", "/v1/tags");
    expect([status, reason]).toEqual([405, "method_not_allowed"]);
  });
});

test("a path that is only spelled like a template is not found", async () => {
  const { status } = await exchange(server.url, "GET /v1/{name=shelves/*/books/*} HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(status).toBe(404);
});

describe("response_body", () => {
  test.for([
    { path: "/v1/answer/x/method", answer: "Answer" },
    { path: "/v1/answer/x/names", answer: ["a", "b"] },
    { path: "/v1/answer/x/missing", answer: null },
    { path: "/v1/answer/x", answer: expect.objectContaining({ id: "x", count: 0, large_count: "0", tags: [] }) },
  ])("makes one field the whole answer: $path", async ({ path, answer }) => {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(answer);
  });

  test("is not there: the answer is the message, all of its fields under the contract's names", async () => {
    const answer = JSON.parse(await (await fetch(`${server.url}/v1/things/x`)).text());
    expect(Object.keys(answer)).toEqual(["method", "thing", "names"]);
    expect(answer.thing).toMatchObject({ id: "x", large_count: "0", kind: "KIND_UNSPECIFIED", labels: {} });
  });
});

test("OPTIONS tells what a path takes, and nothing of a path that takes nothing", async () => {
  const asked = await fetch(`${server.url}/v1/heads/x`, { method: "OPTIONS" });
  expect([asked.status, asked.headers.get("content-length"), await asked.text()]).toEqual([200, "0", ""]);
  expect(asked.headers.get("Allow")?.split(", ")).toContain("OPTIONS");
  expect((await fetch(`${server.url}/nothing`, { method: "OPTIONS" })).status).toBe(404);
});
