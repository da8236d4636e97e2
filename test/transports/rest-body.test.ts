// REST over a real listener: what of a request's body, query and path becomes which field (google/api/http.proto).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type RuleServer, serveRules } from "./rule-service.ts";

let server: RuleServer;
beforeAll(async () => {
  server = await serveRules();
});
afterAll(() => server.close(1_000));
beforeEach(() => server.forget());

describe("without a body in the rule", () => {
  test.for([
    { query: "name=a&count=3&flag=true", thing: { name: "a", count: 3, flag: true } },
    { query: "tags=a&tags=b", thing: { tags: ["a", "b"] } },
    { query: "numbers=1&numbers=2", thing: { numbers: ["1", "2"] } },
    { query: "part.part_id=p&part.inner.size=2", thing: { part: { part_id: "p", inner: { size: 2 } } } },
    { query: "kind=KIND_LARGE&kinds=2", thing: { kind: "KIND_LARGE", kinds: ["KIND_SMALL"] } },
    { query: "at=2021-05-03T12:46:31Z&wait=3s", thing: { at: "2021-05-03T12:46:31Z", wait: "3s" } },
    { query: "textValue=&int64_value=9007199254740993", thing: { text_value: "", int64_value: "9007199254740993" } },
    { query: "mask=name,part", thing: { mask: "name,part" } },
    { query: "", thing: {} },
  ])("the query has all fields: $query", async ({ query, thing }) => {
    expect(await server.ask("GET", `/v1/things?${query}`)).toEqual({ status: 200, method: "List", thing });
  });

  test("what is sent as a body all the same is not looked at", async () => {
    expect(await server.ask("POST", "/v1/things:search?name=n", "{not JSON")).toMatchObject({ thing: { name: "n" } });
    expect(await server.ask("DELETE", "/v1/things/x", { name: "n" })).toMatchObject({ thing: { id: "x" } });
  });

  test.for(["unknown=1", "nmae_=1&Name=2", "name.other=1", "part.other=1", "=1"])(
    "what the contract does not know is ignored: %s",
    async (query) => {
      expect(await server.ask("GET", `/v1/things?${query}`)).toEqual({ status: 200, method: "List", thing: {} });
    },
  );

  test.for([
    { query: "count=x", field: "count" },
    { query: "count=1&count=2", field: "count" },
    { query: "flag=1", field: "flag" },
    { query: "kind=HUGE", field: "kind" },
    { query: "part.size=x", field: "part.size" },
    { query: "part=x", field: "part" },
    { query: "labels=x", field: "labels" },
    { query: "parts.size=1&parts=x", field: "parts" },
    { query: "ratio=x", field: "ratio" },
    { query: "numbers=x", field: "numbers" },
    { query: "at=x", field: "at" },
    { query: "int32_value=x", field: "int32_value" },
    { query: "left=a&right=1", field: "right" },
    { query: "part.square=1&part.round=r", field: "part.round" },
  ])("a wrong value is told by its field: $query", async ({ query, field }) => {
    const { status, reason, field: told, message } = await server.ask("GET", `/v1/things?${query}`);
    expect([status, reason, told]).toEqual([400, "malformed", field]);
    expect(message).not.toContain("the body");
    expect(server.refused).toHaveLength(1);
  });

  test("one field under both of its spellings is refused, as in a body", async () => {
    for (const query of ["text_value=a&textValue=b", "large_count=1&largeCount=1"]) {
      expect(await server.ask("GET", `/v1/things?${query}`)).toMatchObject({ status: 400, reason: "malformed" });
    }
  });
});

describe("a field that is in the path", () => {
  test("is not taken from the query", async () => {
    expect((await server.ask("GET", "/v1/things/x?id=y&name=n")).thing).toEqual({ id: "x", name: "n" });
    expect((await server.ask("GET", "/v1/nested/p/7?part.partId=q&part.size=1")).thing).toEqual({
      part: { part_id: "p", size: 1, inner: { size: 7 } },
    });
  });

  test("leaves a field of the same name in another message to the query", async () => {
    expect((await server.ask("GET", "/v1/nested/p/7?other_part.part_id=q&part.inner.part_id=r")).thing).toEqual({
      part: { part_id: "p", inner: { part_id: "r", size: 7 } },
      other_part: { part_id: "q" },
    });
  });

  test.for([{ id: "y", name: "n" }, { id: null, name: "n" }, { name: "n" }])(
    "has the last word over a body of the whole message: %j",
    async (body) => {
      expect((await server.ask("POST", "/v1/things/x", body)).thing).toEqual({ id: "x", name: "n" });
    },
  );

  test.for([
    { part_id: "q", size: 1 },
    { partId: "q", size: 1 },
  ])("has the last word over a body of its own message, in either spelling: %j", async (body) => {
    expect((await server.ask("PATCH", "/v1/parts/p", body)).thing).toEqual({ part: { part_id: "p", size: 1 } });
  });
});

describe("a body of *", () => {
  test("has every field that is not in the path", async () => {
    const body = {
      largeCount: "18446744073709551615",
      kind: "KIND_SMALL",
      tags: ["a"],
      part: { inner: { size: 1 } },
      parts: [{ size: 1 }, { size: 2 }],
      labels: { a: "b" },
      at: "2021-05-03T12:46:31Z",
      text_value: "t",
      value: [1, null],
      left: "l",
    };
    const { largeCount, ...rest } = body;
    expect((await server.ask("POST", "/v1/things/x", body)).thing).toEqual({
      id: "x",
      large_count: largeCount,
      ...rest,
    });
  });

  test("leaves nothing to the query", async () => {
    for (const query of ["name=q", "count=x", "part=x", "name=%zz"]) {
      expect((await server.ask("POST", `/v1/things/x?${query}`, { owner: "o" })).thing).toEqual({
        id: "x",
        owner: "o",
      });
    }
  });

  test("may have null as a value", async () => {
    const body = { value: null, values: [null], structure: { a: null }, neither: null, name: null };
    const { name, ...rest } = body;
    expect((await server.ask("POST", "/v1/things/x", body)).thing).toEqual({ id: "x", ...rest });
  });

  test.for([
    { body: { left: "a", right: 1 }, field: "right" },
    { body: { part: { square: 1, round: "r" } }, field: "part.round" },
    { body: { numbered: { a: "b" } }, field: "numbered" },
  ])("does not fit by a field of its own: $body", async ({ body, field }) => {
    const { status, reason, field: told, message } = await server.ask("POST", "/v1/things/x", body);
    expect([status, reason, told]).toEqual([400, "malformed", field]);
    expect(message).not.toContain("the body");
  });

  test.for(["[]", "null", '"text"', "1"])("is an object: %s", async (body) => {
    const { status, message } = await server.ask("POST", "/v1/things/x", body);
    expect([status, message]).toEqual([400, expect.stringMatching(/^the body is .*\. Send an object$/)]);
  });
});

describe("a body of one field", () => {
  test("is that field, and the query has the rest", async () => {
    const asked = await server.ask("PUT", "/v1/things/x?name=n&other_part.size=2", { part_id: "p" });
    expect(asked.thing).toEqual({ id: "x", name: "n", part: { part_id: "p" }, other_part: { size: 2 } });
  });

  test("is not taken from the query, whole or in part", async () => {
    for (const query of ["part.size=9", "part.part_id=q&part.inner.size=1", "part=x"]) {
      expect((await server.ask("PUT", `/v1/things/x?${query}`, { size: 1 })).thing).toEqual({
        id: "x",
        part: { size: 1 },
      });
    }
  });

  test("may be a list, of values or of messages", async () => {
    expect((await server.ask("PUT", "/v1/tags?name=n", ["a", "b"])).thing).toEqual({ name: "n", tags: ["a", "b"] });
    expect((await server.ask("PUT", "/v1/parts", [{ size: 1 }, {}])).thing).toEqual({ parts: [{ size: 1 }, {}] });
  });

  test.for([
    { path: "/v1/things/x", body: [], field: "part", message: "part is an array. Send an object" },
    { path: "/v1/things/x", body: "text", field: undefined, message: /^not JSON at line 1 column 1\./ },
    { path: "/v1/things/x", body: { size: "x" }, field: "part.size", message: /^part\.size is a string/ },
    { path: "/v1/things/x", body: { partid: "p" }, field: "part.part_id", message: /Did you mean part_id$/ },
    { path: "/v1/things/x", body: { part_id: "p", partId: "p" }, field: "part.part_id", message: /both spellings/ },
    { path: "/v1/things/x", body: { inner: { sice: 1 } }, field: "part.inner.size", message: /Did you mean size$/ },
    { path: "/v1/tags", body: {}, field: "tags", message: /^tags / },
    { path: "/v1/tags", body: ["a", 1], field: "tags", message: /^tags/ },
    { path: "/v1/parts", body: [{ size: "x" }], field: "parts", message: /^parts/ },
    { path: "/v1/parts", body: [{ sizee: 1 }], field: "parts", message: /Did you mean size$/ },
  ])("has a wrong value told by its field: $path $body", async ({ path, body, field, message }) => {
    const heard = await server.ask("PUT", path, body);
    expect([heard.status, heard.reason]).toEqual([400, "malformed"]);
    expect(heard.message).toMatch(message);
    if (field === undefined) expect(heard).not.toHaveProperty("field");
    else expect(heard.field).toMatch(new RegExp(`^${field.replaceAll(".", "\\.")}`));
  });

  test.for(["[]", "1", "null"])(
    "is not taken for an empty one because the path says a part of it: %s",
    async (body) => {
      const { status, reason } = await server.ask("PATCH", "/v1/parts/p", body);
      expect([status, reason]).toEqual([400, "malformed"]);
    },
  );
});

describe("a near miss of a name", () => {
  test("in a body of the whole message is told, with the name that was meant", async () => {
    expect(await server.ask("POST", "/v1/things/x", { onwer: "o" })).toEqual({
      status: 400,
      reason: "malformed",
      field: "owner",
      message: 'owner is missing and "onwer" is no field. Did you mean owner',
    });
  });

  test("of a field that the path has said is none", async () => {
    expect((await server.ask("PATCH", "/v1/parts/p", { partid: "q" })).thing).toEqual({ part: { part_id: "p" } });
  });

  test.for(["os", "n", "x1", "ok"])("is no name that shares nothing with it: %s", async (name) => {
    expect((await server.ask("POST", "/v1/things/x", { [name]: 1 })).thing).toEqual({ id: "x" });
  });
});

test("an Any is read, and answered, by the types that the contract knows", async () => {
  const any = { "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" };
  const body = { name: "n", any };
  expect(await server.ask("POST", "/v1/things/t", body)).toMatchObject({ status: 200, thing: body });
});
