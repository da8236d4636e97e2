// CORS: the answers and headers that pages of other origins may read.

import { describe, expect, test } from "vitest";
import { startFileGateway } from "../gateway.ts";

const ALLOWED = "https://app.example";
const FOREIGN = "https://other.example";
const LOGIN = "/countersign.auth.v1.AuthService/Login";

/** A gateway for each set of allowed origins. */
const [none, some, all] = [
  await startFileGateway(),
  await startFileGateway({ CORS_ORIGINS: `${ALLOWED},http://localhost:5173` }),
  await startFileGateway({ CORS_ORIGINS: "*" }),
];

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
    const origin = { "access-control-allow-origin": ALLOWED, vary: "Origin" };
    const exposed = /X-RateLimit-Remaining.*Retry-After.*Grpc-Status-Details-Bin/;
    expect((await ask(some.publicUrl + path, ALLOWED, options)).shared).toEqual({
      ...origin,
      "access-control-expose-headers": expect.stringMatching(exposed),
    });
    expect(await preflight(some.publicUrl + path, ALLOWED)).toEqual({
      status: 204,
      shared: {
        ...origin,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": expect.stringMatching(/Content-Type.*Connect-Protocol-Version.*X-Grpc-Web/),
        "access-control-max-age": "7200",
      },
    });
  });

  test("is shared with any origin by *", async () => {
    const { shared } = await ask(all.publicUrl + path, FOREIGN, options);
    expect([shared["access-control-allow-origin"], shared["vary"]]).toEqual(["*", undefined]);
    expect((await preflight(all.publicUrl + path, "null")).status).toBe(204);
  });

  test("is shared with no other origin, and by default with none", async () => {
    for (const origin of [FOREIGN, `${ALLOWED}.evil.example`, "http://app.example", `${ALLOWED}:8443`, "null"]) {
      expect((await ask(some.publicUrl + path, origin, options)).shared).toEqual({});
      expect(await preflight(some.publicUrl + path, origin)).toEqual({ status: 405, shared: {} });
    }
    expect((await ask(none.publicUrl + path, ALLOWED, options)).shared).toEqual({});
  });
});

test.for(["/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/openapi.json"])(
  "%s is readable from any origin, at the public listener",
  async (path) => {
    const anyone = { "access-control-allow-origin": "*" };
    expect((await ask(none.publicUrl + path, FOREIGN)).shared).toMatchObject(anyone);
    expect(await preflight(none.publicUrl + path, FOREIGN)).toMatchObject({
      status: 204,
      shared: { ...anyone, "access-control-allow-methods": "GET" },
    });
    expect((await ask(none.internalUrl + path, FOREIGN)).shared).toEqual({});
  },
);

test("the internal listener shares nothing, and /auth/check takes a preflight for a request without a token", async () => {
  for (const path of ["/auth/time", "/v1/customers", "/metrics"]) {
    expect((await ask(all.internalUrl + path, ALLOWED)).shared).toEqual({});
    expect((await preflight(all.internalUrl + path, ALLOWED)).shared).toEqual({});
  }
  expect(await preflight(`${all.publicUrl}/auth/check`, ALLOWED)).toEqual({ status: 401, shared: {} });
  expect((await ask(`${all.publicUrl}/livez`, ALLOWED)).shared).toEqual({});
});
