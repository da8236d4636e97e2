// REST over a listener: which part of a request sets which field (google/api/http.proto).

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

describe("the query of a rule without a body", () => {
  test.for([
    { query: "name=a&count=3&flag=true", thing: { name: "a", count: 3, flag: true } },
    { query: "unknown=1&name.other=1&part.other=1&=1", thing: {} },
  ])("sets every field that it names: $query", async ({ query, thing }) => {
    expect(await server.ask("GET", `/v1/things?${query}`)).toEqual({ status: 200, method: "List", thing });
  });

  test.for([{ query: "count=1&count=2", field: "count" }])(
    "has its wrong value named by field: $query",
    async ({ query, field }) => {
      const answer = await server.ask("GET", `/v1/things?${query}`);
      expect(answer).toMatchObject({ status: 400, reason: "malformed", field });
      expect(answer.message).not.toContain("the body");
      expect(server.errors).toHaveLength(1);
    },
  );

  test("ignores a body", async () => {
    expect(await server.ask("POST", "/v1/things:search?name=n", "{not JSON")).toMatchObject({ thing: { name: "n" } });
  });
});

describe("a field in the path", () => {
  test.for([
    { path: "/v1/things/x?id=y&name=n", thing: { id: "x", name: "n" } },
    {
      path: "/v1/nested/p/7?part.partId=q&part.size=1&other_part.part_id=q&part.inner.part_id=r",
      thing: { part: { part_id: "p", size: 1, inner: { part_id: "r", size: 7 } }, other_part: { part_id: "q" } },
    },
  ])("overrides that field alone of the query: $path", async ({ path, thing }) => {
    expect((await server.ask("GET", path)).thing).toEqual(thing);
  });

  test.for([
    { verb: "POST", path: "/v1/things/x", body: { id: null, name: "n" }, thing: { id: "x", name: "n" } },
    { verb: "PATCH", path: "/v1/parts/p", body: { part_id: "q", size: 1 }, thing: { part: { part_id: "p", size: 1 } } },
    { verb: "PATCH", path: "/v1/parts/p", body: { partId: "q", size: 1 }, thing: { part: { part_id: "p", size: 1 } } },
    { verb: "PATCH", path: "/v1/parts/p", body: { partid: "q" }, thing: { part: { part_id: "p" } } },
  ])("overrides that field of the body in any spelling: $path $body", async ({ verb, path, body, thing }) => {
    expect((await server.ask(verb, path, body)).thing).toEqual(thing);
  });

  test.for(["[]", "1", "null"])("does not make a wrong body an empty one: %s", async (body) => {
    expect(await server.ask("PATCH", "/v1/parts/p", body)).toMatchObject({ status: 400, reason: "malformed" });
  });
});

describe("a body of *", () => {
  test("sets every field that is not in the path", async () => {
    const body = {
      large_count: "18446744073709551615",
      kind: "KIND_SMALL",
      part: { inner: { size: 1 } },
      parts: [{ size: 1 }, { size: 2 }],
      labels: { a: "b" },
      value: [1, null],
      neither: null,
    };
    expect((await server.ask("POST", "/v1/things/x", body)).thing).toEqual({ id: "x", ...body });
  });

  test("ignores the query", async () => {
    for (const query of ["name=q", "count=x", "name=%zz"]) {
      const { thing } = await server.ask("POST", `/v1/things/x?${query}`, { owner: "o" });
      expect(thing).toEqual({ id: "x", owner: "o" });
    }
  });

  test("has its wrong value named by field", async () => {
    const answer = await server.ask("POST", "/v1/things/x", { part: { square: "x" } });
    expect(answer).toMatchObject({ status: 400, reason: "malformed", field: "part.square" });
  });
});

describe("a body of one field", () => {
  test("sets that field, and the query the rest", async () => {
    const query = "name=n&other_part.size=2&part.size=9&part=x";
    const { thing } = await server.ask("PUT", `/v1/things/x?${query}`, { part_id: "p" });
    expect(thing).toEqual({ id: "x", name: "n", part: { part_id: "p" }, other_part: { size: 2 } });
  });

  test("may be a list of values or of messages", async () => {
    expect((await server.ask("PUT", "/v1/tags?name=n", ["a", "b"])).thing).toEqual({ name: "n", tags: ["a", "b"] });
    expect((await server.ask("PUT", "/v1/parts", [{ size: 1 }, {}])).thing).toEqual({ parts: [{ size: 1 }, {}] });
  });

  test.for([
    { path: "/v1/things/x", body: [], field: "part", message: "part is an array. Send an object" },
    { path: "/v1/tags", body: ["a", 1], field: "tags", message: /^tags/ },
  ])("has its wrong value named by field: $path $body", async ({ path, body, field, message }) => {
    const answer = await server.ask("PUT", path, body);
    expect([answer.status, answer.reason, answer.field]).toEqual([400, "malformed", field]);
    expect(answer.message).toMatch(message);
  });
});
