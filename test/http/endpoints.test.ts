// Endpoints over HTTP: conditional requests, methods, caching and errors.

import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { AuthError } from "../../src/core/errors.ts";
import type { PublicJwk } from "../../src/core/ports.ts";
import { renderJwks } from "../../src/http/documents.ts";
import type { Endpoint, EndpointAnswer } from "../../src/http/endpoints.ts";
import type { RequestCaller } from "../../src/protocols/call.ts";
import { mountAll } from "../protocols/mount.ts";

const CAUSE = "a secret cause";
const JWKS = { contentType: "application/jwk-set+json", body: '{"keys":[]}', etag: '"v1"', maxAge: 300 };
const get = (answer: () => EndpointAnswer | Promise<EndpointAnswer>): Endpoint => ({ method: "GET", answer });

const errors: { readonly error: AuthError; readonly caller: RequestCaller }[] = [];
const listener = await mountAll([], {
  endpoints: {
    "/keys": get(() => JWKS),
    "/plain": get(async () => ({ contentType: "text/plain; charset=utf-8", body: "grün\n" })),
    "/away": get(() => ({ status: 503, contentType: "application/json", body: "{}" })),
    "/rejects": get(() => Promise.reject(new Error(CAUSE))),
    "/throws": get(() => {
      throw new Error(CAUSE);
    }),
    "/echo": { method: "POST", maxBytes: 8, answer: ({ body }) => ({ body: Buffer.from(body).toString() }) },
  },
  onError: (error, caller) => errors.push({ error, caller }),
});
afterAll(() => listener.close(0));
beforeEach(() => void errors.splice(0));

/** The status of an answer, and some of its headers. */
const headOf = ({ status, headers }: Response, ...names: string[]) => [
  status,
  ...names.map((name) => headers.get(name)),
];

const ask = (path: string, options: RequestInit = {}): Promise<Response> => fetch(listener.url + path, options);

describe("a document", () => {
  test.each(["GET", "HEAD"])("is answered to %s with type, length, tag and lifetime", async (method) => {
    const response = await ask("/keys?refresh=1", { method });
    const head = headOf(response, "Content-Type", "Content-Length", "ETag", "Cache-Control");
    expect(head).toEqual([200, JWKS.contentType, "11", '"v1"', "max-age=300"]);
    expect(await response.text()).toBe(method === "HEAD" ? "" : JWKS.body);
  });

  test("without a lifetime must not be cached, and its length is in bytes", async () => {
    const response = await ask("/plain", { headers: { "If-None-Match": "*" } });
    expect(headOf(response, "Content-Length", "ETag", "Cache-Control")).toEqual([200, "6", null, "no-store"]);
    expect(await response.text()).toBe("grün\n");
  });

  test.each([
    ...['"v1"', 'W/"v1"', '"v0", "v1"', '"v0",W/"v1" ', "*"].map((tag) => [tag, 304] as const),
    ...['"v2"', "v1", '"v1', "", '"V1"'].map((tag) => [tag, 200] as const),
  ])("with If-None-Match %s is answered %i", async (tag, status) => {
    const response = await ask("/keys", { headers: { "If-None-Match": tag } });
    const type = status === 304 ? null : JWKS.contentType;
    expect(headOf(response, "ETag", "Cache-Control", "Content-Type")).toEqual([status, '"v1"', "max-age=300", type]);
    expect(await response.text()).toBe(status === 304 ? "" : JWKS.body);
  });

  test("may have status 503, which is not reported as an error", async () => {
    expect((await ask("/away")).status).toBe(503);
    expect(errors).toEqual([]);
  });
});

describe("a path", () => {
  test.each(["POST", "DELETE", "OPTIONS"])("refuses %s of a document and names its methods", async (method) => {
    const response = await ask("/keys", { method });
    expect(headOf(response, "Allow")).toEqual([405, "GET, HEAD"]);
    expect(await response.json()).toMatchObject({ reason: "method_not_allowed", message: "this path takes GET only" });
  });

  test.each(["/", "/keys/", "/KEYS", "/toString"])("%s is unknown", async (path) => {
    const response = await ask(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "unimplemented", reason: "not_found" });
  });

  test("that takes a POST reads a body up to its limit", async () => {
    expect(await (await ask("/echo", { method: "POST", body: "12345678" })).text()).toBe("12345678");
    expect((await ask("/echo", { method: "POST", body: "123456789" })).status).toBe(413);
  });
});

test.each(["/rejects", "/throws"])("a bug at %s is reported, and answered with its id only", async (path) => {
  const response = await ask(path);
  const body = await response.text();
  expect(response.status).toBe(500);
  expect(body).not.toContain(CAUSE);
  const { reason, request_id: requestId } = JSON.parse(body);
  expect([reason, response.headers.get("X-Request-Id")]).toEqual(["internal", requestId]);
  const caller = { address: "127.0.0.1", requestId, protocol: "rest" };
  expect(errors).toEqual([{ caller, error: expect.objectContaining({ cause: new Error(CAUSE) }) }]);
});

test("the JWKS has every published key, and its entity tag changes only with the keys", () => {
  const key: PublicJwk = { kid: "one", kty: "RSA", alg: "RS256", use: "sig", n: "AQ", e: "AQAB" };
  const { body, etag } = renderJwks([key, { ...key, kid: "two" }]);
  expect(JSON.parse(body)).toEqual({ keys: [key, { ...key, kid: "two" }] });
  expect(etag).toMatch(/^"[\w-]{22}"$/);
  expect(renderJwks([{ ...key }, { ...key, kid: "two" }]).etag).toBe(etag);
  expect(renderJwks([key]).etag).not.toBe(etag);
});
