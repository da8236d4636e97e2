// CORS: the answers and headers that pages of other origins may read.

import { describe, expect, test } from "vitest";
import { startFileGateway } from "../gateway.ts";

const ALLOWED = "https://app.example";
const FOREIGN = "https://other.example";
const LOGIN = "/countersign.auth.v1.AuthService/Login";

/** A gateway for each set of allowed origins. */
const gateways = {
  none: await startFileGateway(),
  some: await startFileGateway({ CORS_ORIGINS: `${ALLOWED},http://localhost:5173` }),
  all: await startFileGateway({ CORS_ORIGINS: "*" }),
};

/** The headers of the CORS protocol in an answer, and Vary. */
async function ask(url: string, origin: string, options: RequestInit & { headers?: object } = {}) {
  const { status, headers } = await fetch(url, { ...options, headers: { origin, ...options.headers } });
  const named = [...headers].filter(([name]) => name.startsWith("access-control-") || name === "vary");
  return { status, shared: Object.fromEntries(named) };
}

const preflight = (url: string, origin: string) =>
  ask(url, origin, { method: "OPTIONS", headers: { "access-control-request-method": "POST" } });

const CALLS = [
  ["REST", "/auth/login", { method: "POST", body: "{}", headers: { "content-type": "application/json" } }],
  ["a GET of REST", "/auth/time", {}],
  ["Connect", LOGIN, { method: "POST", body: "{}", headers: { "content-type": "application/json" } }],
  ["gRPC-Web", LOGIN, { method: "POST", body: "x", headers: { "content-type": "application/grpc-web+proto" } }],
  ["OAuth", "/oauth2/token", { method: "POST", body: "x" }],
] as const;

describe.for(CALLS)("%s", ([, path, options]) => {
  test("is shared with an allowed origin, its headers exposed, and no credentials", async () => {
    const { publicUrl } = gateways.some;
    const { shared } = await ask(publicUrl + path, ALLOWED, options);
    expect(shared).toEqual({
      "access-control-allow-origin": ALLOWED,
      "access-control-expose-headers": expect.stringMatching(
        /X-RateLimit-Remaining.*Retry-After.*Grpc-Status-Details-Bin/,
      ),
      vary: "Origin",
    });
    expect(await preflight(publicUrl + path, ALLOWED)).toEqual({
      status: 204,
      shared: {
        "access-control-allow-origin": ALLOWED,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": expect.stringMatching(/Content-Type.*Connect-Protocol-Version.*X-Grpc-Web/),
        "access-control-max-age": "7200",
        vary: "Origin",
      },
    });
  });

  test("is shared with any origin by *", async () => {
    const { publicUrl } = gateways.all;
    const { shared } = await ask(publicUrl + path, FOREIGN, options);
    expect([shared["access-control-allow-origin"], shared["vary"]]).toEqual(["*", undefined]);
    expect((await preflight(publicUrl + path, "null")).status).toBe(204);
  });

  test("is shared with no other origin, and by default with none", async () => {
    for (const origin of [FOREIGN, `${ALLOWED}.evil.example`, "http://app.example", `${ALLOWED}:8443`, "null"]) {
      const { publicUrl } = gateways.some;
      expect((await ask(publicUrl + path, origin, options)).shared).toEqual({});
      expect(await preflight(publicUrl + path, origin)).toEqual({ status: 405, shared: {} });
    }
    expect((await ask(gateways.none.publicUrl + path, ALLOWED, options)).shared).toEqual({});
  });
});

test.for(["/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/openapi.json"])(
  "%s is readable from any origin, at the public listener",
  async (path) => {
    const { publicUrl, internalUrl } = gateways.none;
    const { shared } = await ask(publicUrl + path, FOREIGN);
    expect(shared).toMatchObject({ "access-control-allow-origin": "*" });
    const asked = await preflight(publicUrl + path, FOREIGN);
    expect([asked.status, asked.shared["access-control-allow-methods"]]).toEqual([204, "GET"]);
    expect((await ask(internalUrl + path, FOREIGN)).shared).toEqual({});
  },
);

test("the internal listener shares nothing, and /auth/check takes a preflight for a request without a token", async () => {
  const { publicUrl, internalUrl } = gateways.all;
  for (const path of ["/auth/time", "/v1/customers", "/metrics"]) {
    expect((await ask(internalUrl + path, ALLOWED)).shared).toEqual({});
    expect((await preflight(internalUrl + path, ALLOWED)).shared).toEqual({});
  }
  expect(await preflight(`${publicUrl}/auth/check`, ALLOWED)).toEqual({ status: 401, shared: {} });
  expect((await ask(`${publicUrl}/livez`, ALLOWED)).shared).toEqual({});
});
