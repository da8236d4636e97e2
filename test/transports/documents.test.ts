// Documents over a real HTTP server: conditional requests, verbs, and what may be cached.

import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuthError } from "../../src/core/errors.ts";
import type { RequestCaller } from "../../src/transports/caller.ts";
import { createDocuments } from "../../src/transports/documents.ts";

const CAUSE = "a cause that is nobody's business";
const refused: { readonly error: AuthError; readonly caller: RequestCaller }[] = [];
const documents = createDocuments(
  {
    "/keys": () => ({ contentType: "application/jwk-set+json", body: '{"keys":[]}', etag: '"v1"', maxAge: 300 }),
    "/plain": async () => ({ contentType: "text/plain; charset=utf-8", body: "grün\n" }),
    "/large": () => ({ contentType: "text/plain", body: "x".repeat(5_000), etag: '"v2"' }),
    "/away": () => ({ status: 503, contentType: "application/json", body: "{}" }),
    "/broken": () => Promise.reject(new Error(CAUSE)),
    "/torn": () => {
      throw new Error(CAUSE);
    },
  },
  { onRefused: (error, caller) => refused.push({ error, caller }) },
);

const server = createServer((request, response) => void documents.handle(request, response));
let url = "";
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  url = `http://127.0.0.1:${address.port}`;
});
afterAll(() => server.close());

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(url + path, { headers });

describe("a document", () => {
  test("is served with its type, length, tag and life", async () => {
    const response = await get("/keys?refresh=1");
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/jwk-set+json");
    expect(response.headers.get("Content-Length")).toBe("11");
    expect(response.headers.get("ETag")).toBe('"v1"');
    expect(response.headers.get("Cache-Control")).toBe("max-age=300");
    expect(await response.text()).toBe('{"keys":[]}');
  });

  test("without a life is not to be kept, and its length is counted in bytes", async () => {
    const response = await get("/plain");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(response.headers.get("ETag")).toBeNull();
    expect(response.headers.get("Content-Length")).toBe("6");
    expect(await response.text()).toBe("grün\n");
  });

  test("may have a status of its own", async () => {
    expect((await get("/away")).status).toBe(503);
  });

  test("is served to HEAD with the same headers and no body", async () => {
    const response = await fetch(`${url}/keys`, { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Length")).toBe("11");
    expect(response.headers.get("ETag")).toBe('"v1"');
    expect(await response.text()).toBe("");
  });
});

describe("a conditional request", () => {
  test.for(['"v1"', 'W/"v1"', '"v0", "v1"', '"v0",W/"v1" ', "*"])("is answered 304 for %s", async (tag) => {
    const response = await get("/keys", { "If-None-Match": tag });
    expect(response.status).toBe(304);
    expect(response.headers.get("ETag")).toBe('"v1"');
    expect(response.headers.get("Cache-Control")).toBe("max-age=300");
    expect(await response.text()).toBe("");
  });

  test.for(['"v2"', "v1", '"v1', "", '"V1"'])("is answered whole for %j", async (tag) => {
    const response = await get("/keys", { "If-None-Match": tag });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('{"keys":[]}');
  });

  test("is answered whole where there is no tag", async () => {
    expect((await get("/plain", { "If-None-Match": "*" })).status).toBe(200);
  });
});

describe("a refusal", () => {
  test.for(["POST", "PUT", "DELETE", "PATCH"])("%s is told what the path takes", async (method) => {
    const response = await fetch(`${url}/keys`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe("GET, HEAD, OPTIONS");
    expect(await response.json()).toMatchObject({ reason: "method_not_allowed", message: "this path takes GET only" });
  });

  test("OPTIONS is answered with what the path takes", async () => {
    const response = await fetch(`${url}/keys`, { method: "OPTIONS" });
    expect([response.status, response.headers.get("Allow")]).toEqual([200, "GET, HEAD, OPTIONS"]);
  });

  test("a path that is not served is not found, and known not to be", async () => {
    expect(documents.serves("/keys")).toBe(true);
    for (const path of ["/", "/keys/", "/KEYS", "/toString"]) {
      expect(documents.serves(path)).toBe(false);
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "unimplemented", reason: "not_found" });
    }
  });

  test.for(["/broken", "/torn"])(
    "a document that cannot be rendered is a bug, told by its id alone: %s",
    async (path) => {
      refused.length = 0;
      const response = await get(path);
      expect(response.status).toBe(500);
      const body = await response.text();
      expect(JSON.parse(body)).toMatchObject({ reason: "internal", request_id: expect.stringMatching(/^[\w-]{12}$/) });
      expect(body).not.toContain("nobody's business");
      // The log has the cause, under the id that the answer carries.
      expect(refused).toHaveLength(1);
      const [{ error, caller } = {}] = refused;
      expect(error?.cause).toEqual(new Error(CAUSE));
      expect(caller).toEqual({ address: "127.0.0.1", requestId: JSON.parse(body).request_id, protocol: "rest" });
      expect(error?.particulars.requestId).toBe(caller?.requestId);
      expect(response.headers.get("X-Request-Id")).toBe(caller?.requestId);
    },
  );

  test("a document that is rendered is reported to nobody", async () => {
    refused.length = 0;
    await get("/plain");
    await get("/away");
    expect(refused).toEqual([]);
  });
});

describe("a large document", () => {
  const raw = (headers: Record<string, string>) =>
    new Promise<IncomingMessage>((resolve) => request(`${url}/large`, { headers }, resolve).end());

  test("is compressed for whoever asks, with a tag of its own, and tells caches so", async () => {
    const response = await raw({ "Accept-Encoding": "br;q=0.5, gzip" });
    expect(response.headers).toMatchObject({ "content-encoding": "gzip", vary: "Accept-Encoding", etag: '"v2-gzip"' });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    expect(Number(response.headers["content-length"])).toBe(bytes.length);
    expect(gunzipSync(bytes).toString()).toBe("x".repeat(5_000));
    const again = await raw({ "Accept-Encoding": "gzip", "If-None-Match": '"v2-gzip"' });
    expect(again.statusCode).toBe(304);
  });

  test.each(["", "br", "gzip;q=0", "gzip;q=0.000", "xgzip"])(
    "is sent as it is to whoever accepts only: %s",
    async (accepted) => {
      const response = await raw({ "Accept-Encoding": accepted });
      expect(response.headers).toMatchObject({ "content-length": "5000", vary: "Accept-Encoding", etag: '"v2"' });
      expect(response.headers["content-encoding"]).toBeUndefined();
      response.resume();
    },
  );
});
