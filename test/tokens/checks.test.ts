// Every way to check a token gives the same answer.

import { describe, expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { CUSTOMER_KEY, logInBy, startFileGateway } from "../gateway.ts";
import { makeKeys } from "../vectors/forge.ts";
import { fitsField, hostileForms } from "../vectors/hostile-tokens.ts";
import { CHECKS, type Checked, checkAll, refusedFor } from "./checks.ts";

const NOW = 1_764_000_000_000;
const clock = { now: NOW };
const gateway = await startFileGateway({ TOKEN_ALG: "ES256" }, { now: () => clock.now });

/** Checks a token. The server may answer or close the connection before a far too large body is sent. */
const checkOrEnd = (check: (typeof CHECKS)[string], token: string): Promise<Checked> =>
  check(gateway, token).catch((error: unknown) => {
    if (error instanceof TypeError && token.length > 16_384) return { outcome: "unsent" };
    throw error;
  });

/** Answers to a hostile token. */
const REFUSED = ["invalid", "expired", "inactive", "malformed", "too_large", "unsent"];

/** Enrols a device and logs it in. @returns its token */
async function logIn(deviceKey?: string): Promise<{ deviceKey: string; token: string }> {
  const name = deviceKey ?? (await gateway.enrol());
  const answer = await logInBy(gateway.publicUrl, { deviceKey: name, customerKey: CUSTOMER_KEY }, clock.now / 1000);
  const { token } = JSON.parse(await answer.text());
  return { deviceKey: name, token };
}

function accepted(deviceKey: string): Record<string, Checked> {
  const { customerId } = gateway;
  return Object.fromEntries(Object.keys(CHECKS).map((name) => [name, { outcome: "ok", deviceKey, customerId }]));
}

describe("every way to check a token", () => {
  test("gives a valid token's identity, and distinguishes expired, invalid and revoked", async () => {
    const { deviceKey, token } = await logIn(await gateway.enrol({ deviceKey: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" }));
    expect(await checkAll(gateway, token)).toEqual(accepted(deviceKey));
    clock.now += 600_000;
    expect(await checkAll(gateway, token)).toEqual(refusedFor("expired"));
    clock.now = NOW;
    expect(await checkAll(gateway, `${token.slice(0, -4)}AAAA`)).toEqual(refusedFor("invalid"));
    await gateway.registry.devices.revokeTokens(deviceKey, GATEWAY);
    expect(await checkAll(gateway, token)).toEqual(refusedFor("revoked"));
  });

  // core/tokens/tokens.test.ts has all hostile tokens; these are forms that transports may handle differently.
  test("rejects every hostile form, and still works afterwards", async () => {
    const { deviceKey, token } = await logIn();
    const { keys } = JSON.parse(await (await fetch(`${gateway.publicUrl}/.well-known/jwks.json`)).text());
    const [publicJwk] = keys;
    const { privateKey } = makeKeys("ES256");
    const mint = { alg: "ES256", kid: publicJwk.kid, publicJwk, privateKey, deviceKey, now: NOW } as const;
    const of = { issuer: "https://login.example", audience: "devices", customerId: gateway.customerId };
    const wrong: string[] = [];
    for (const [name, hostile] of Object.entries(hostileForms({ ...mint, ...of }))) {
      const ways = Object.entries(CHECKS).filter(([way]) => fitsField(hostile) || !way.startsWith("/auth/check"));
      const answers = await Promise.all(
        ways.map(async ([way, check]) => [way, await checkOrEnd(check, hostile)] as const),
      );
      for (const [way, { outcome }] of answers)
        if (!REFUSED.includes(outcome)) wrong.push(`${name}, ${way}: ${outcome}`);
    }
    expect(wrong).toEqual([]);
    expect(await checkAll(gateway, token)).toEqual(accepted(deviceKey));
  });
});

describe("/auth/check", () => {
  test("answers a valid token without a body, forbids caching, and prefers x-access-token", async () => {
    const { token } = await logIn();
    const headers = { "x-access-token": "another", Authorization: `Bearer ${token}` };
    expect((await fetch(`${gateway.publicUrl}/auth/check`, { headers })).status).toBe(401);
    for (const method of ["GET", "HEAD"]) {
      const answer = await fetch(`${gateway.publicUrl}/auth/check?any=1`, {
        method,
        headers: { "x-access-token": token },
      });
      expect([answer.status, await answer.text()]).toEqual([200, ""]);
      expect(answer.headers.get("content-length")).toBe("0");
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });

  test("answers errors as REST does, with the challenge of RFC 6750", async () => {
    const answer = await fetch(`${gateway.publicUrl}/auth/check`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="countersign", error="invalid_token"');
    expect(JSON.parse(await answer.text())).toEqual({
      code: "unauthenticated",
      reason: "invalid",
      message: "the token is invalid because the header x-access-token is missing. The device has to log in again",
    });
  });

  test.for(["GET", "POST", "DELETE", "OPTIONS", "PROPFIND"])("takes %s, also at paths below it", async (method) => {
    const { token, deviceKey } = await logIn();
    const headers = { "x-access-token": token, "content-type": "application/grpc" };
    const ask = (path: string, init: object) => fetch(`${gateway.publicUrl}/auth/check${path}`, { method, ...init });
    const answer = await ask("/orders/7?all=1", { headers });
    expect([answer.status, answer.headers.get("x-device-key")]).toEqual([200, deviceKey]);
    expect((await ask("/", {})).status).toBe(401);
    expect((await ask("ed", { headers: { "x-access-token": token } })).status).toBe(404);
  });
});

describe("introspection (RFC 7662)", () => {
  const post = (body: string | URLSearchParams, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${gateway.internalUrl}/oauth2/introspect`, { method: "POST", body, headers });

  test("has the members of the RFC, times as numbers", async () => {
    const { deviceKey, token } = await logIn();
    const answer = await post(new URLSearchParams({ token }));
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(await answer.text())).toEqual({
      active: true,
      iss: "https://login.example",
      sub: deviceKey,
      aud: "devices",
      iat: NOW / 1000,
      exp: NOW / 1000 + 600,
      jti: expect.stringMatching(/^[\w-]{20}$/),
      customer_id: gateway.customerId,
    });
    // Nothing is revealed about an inactive token.
    expect(await (await post(new URLSearchParams({ token: "x" }))).text()).toBe('{"active":false}');
  });

  test("names the mistake in a request", async () => {
    const answer = await post(new URLSearchParams({ tokens: "x" }));
    expect(answer.status).toBe(400);
    expect(JSON.parse(await answer.text())).toMatchObject({ reason: "malformed", message: "token is missing" });
    expect((await post(new URLSearchParams("token=a&token=b"))).status).toBe(400);
    expect((await post("{}", { "Content-Type": "application/json" })).status).toBe(415);
    expect((await post(`token=${"x".repeat(20_000)}`)).status).toBe(413);
  });
});

test("TokenService and introspection are on the internal listener only", async () => {
  const { token } = await logIn();
  for (const path of ["/v1/tokens:verify", "/oauth2/introspect", "/countersign.token.v1.TokenService/Verify"]) {
    const answer = await fetch(gateway.publicUrl + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    expect([path, answer.status]).toEqual([path, 404]);
  }
});

test("each check is counted once, by protocol and outcome, also after errors", async () => {
  const count = async (): Promise<Record<string, number>> => {
    const metrics = await (await fetch(`${gateway.internalUrl}/metrics`)).text();
    const lines = metrics.matchAll(/^countersign_(token_verifications|request_errors)_total{(.*)} (\d+)$/gm);
    return Object.fromEntries([...lines].map(([, name, labels, value]) => [`${name} ${labels}`, Number(value)]));
  };
  const before = await count();
  const { publicUrl, internalUrl } = gateway;
  await (await fetch(`${publicUrl}/auth/check`)).text();
  await (await fetch(`${publicUrl}/auth/check`, { headers: { "x-access-token": "" } })).text();
  await (await fetch(`${internalUrl}/oauth2/introspect`, { method: "POST", body: new URLSearchParams() })).text();
  await (await fetch(`${internalUrl}/oauth2/introspect`, { method: "POST", body: "{}" })).text();
  await CHECKS["Verify over gRPC"]?.(gateway, "");
  await CHECKS["Verify over Connect"]?.(gateway, (await logIn()).token);
  const after = await count();
  const more = Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)] as const);
  expect(Object.fromEntries(more.filter(([, value]) => value > 0))).toEqual({
    'token_verifications protocol="rest",outcome="invalid"': 2,
    'token_verifications protocol="rest",outcome="malformed"': 1,
    'token_verifications protocol="grpc",outcome="malformed"': 1,
    'token_verifications protocol="connect",outcome="ok"': 1,
    'request_errors protocol="rest",reason="unsupported_media_type"': 1,
  });
});
