// Every way to check a token gives the same answer.

import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { CUSTOMER_KEY, logInBy, startFileGateway } from "../gateway.ts";
import { fitsField, hostileForms } from "../vectors/hostile-tokens.ts";
import { newMint } from "../verify/issuer.ts";

const NOW = 1_764_000_000_000;
const clock = { now: NOW };
const gateway = await startFileGateway({ TOKEN_ALG: "ES256" }, { now: () => clock.now });
const { publicUrl, internalUrl, customerId } = gateway;

/** Checks a token. @returns its device and customer, or the reason of the error */
type Check = (token: string) => Promise<string>;

const identityOf = (deviceKey: unknown, customer: unknown): string => `${deviceKey} of ${customer}`;
const JSON_TYPE = { "Content-Type": "application/json" };

function verifyBy(transport: Transport): Check {
  const client = createClient(TokenService, transport);
  return async (token) => {
    try {
      const { deviceKey, customerId } = await client.verify({ token });
      return identityOf(deviceKey, customerId);
    } catch (error) {
      const [info] = ConnectError.from(error).findDetails(ErrorInfoSchema);
      return info?.reason ?? String(error);
    }
  };
}

const verifyByRest: Check = async (token) => {
  const init = { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ token }) };
  const answer = await fetch(`${internalUrl}/v1/tokens:verify`, init);
  const { reason, device_key, customer_id } = Object(await answer.json());
  return answer.ok ? identityOf(device_key, customer_id) : reason;
};

function postIntrospection(form: Record<string, string> | string, headers = {}): Promise<Response> {
  return fetch(`${internalUrl}/oauth2/introspect`, { method: "POST", body: new URLSearchParams(form), headers });
}

/** Introspection does not say why a token is inactive. */
const introspect: Check = async (token) => {
  const answer = await postIntrospection({ token, token_type_hint: "access_token" });
  const { active, reason, sub, customer_id } = Object(await answer.json());
  if (active) return identityOf(sub, customer_id);
  return answer.ok ? "inactive" : reason;
};

function checkBy(url: string, header: string, scheme = ""): Check {
  return async (token) => {
    const answer = await fetch(`${url}/auth/check`, { headers: { [header]: scheme + token } });
    const text = await answer.text();
    if (!answer.ok) return JSON.parse(text).reason;
    return identityOf(answer.headers.get("x-device-key"), answer.headers.get("x-customer-id"));
  };
}

const verifyByConnect = verifyBy(createConnectTransport({ baseUrl: internalUrl, httpVersion: "1.1" }));
const verifyByGrpc = verifyBy(createGrpcTransport({ baseUrl: internalUrl }));
const CHECKS: Readonly<Record<string, Check>> = {
  "Verify over REST": verifyByRest,
  "Verify over Connect": verifyByConnect,
  "Verify over gRPC": verifyByGrpc,
  introspection: introspect,
  "/auth/check, x-access-token": checkBy(publicUrl, "x-access-token"),
  "/auth/check, Authorization": checkBy(publicUrl, "Authorization", "Bearer "),
  "/auth/check, internal": checkBy(internalUrl, "X-Access-Token"),
};

/** Expects the same answer from every check. */
async function expectEach(token: string, answer: string, ofIntrospection = answer): Promise<void> {
  const expected = Object.keys(CHECKS).map((way) => [way, way === "introspection" ? ofIntrospection : answer]);
  const answers = Object.entries(CHECKS).map(async ([way, check]) => [way, await check(token)]);
  expect(await Promise.all(answers)).toEqual(expected);
}

/** Enrols a device and logs it in. */
async function logIn(draft = {}): Promise<{ deviceKey: string; token: string }> {
  const deviceKey = await gateway.enrol(draft);
  const answer = await logInBy(publicUrl, { deviceKey, customerKey: CUSTOMER_KEY }, clock.now / 1000);
  return { deviceKey, token: Object(await answer.json()).token };
}

describe("every way to check a token", () => {
  test("gives a valid token's identity, and distinguishes expired, invalid and revoked", async () => {
    const { deviceKey, token } = await logIn({ deviceKey: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" });
    await expectEach(token, identityOf(deviceKey, customerId));
    clock.now += 600_000;
    await expectEach(token, "expired", "inactive");
    clock.now = NOW;
    await expectEach(`${token.slice(0, -4)}AAAA`, "invalid", "inactive");
    await gateway.registry.devices.revokeTokens(deviceKey, GATEWAY);
    await expectEach(token, "revoked", "inactive");
  });

  // core/tokens/tokens.test.ts has all hostile tokens; these are forms that transports may handle differently.
  test("rejects every hostile form, and still works afterwards", async () => {
    const { deviceKey, token } = await logIn();
    const { keys } = Object(await (await fetch(`${publicUrl}/.well-known/jwks.json`)).json());
    const mint = { ...newMint(keys[0].kid, "ES256", "https://login.example"), deviceKey, customerId };
    const answers: string[] = [];
    for (const [name, hostile] of Object.entries(hostileForms(mint))) {
      const ways = Object.entries(CHECKS).filter(([way]) => fitsField(hostile) || !way.startsWith("/auth/check"));
      const check = async ([way, check]: [string, Check]): Promise<string> => {
        // The server may close the connection before a far too large body is sent.
        const ended = (error: unknown): string => (hostile.length > 16_384 ? "too_large" : String(error));
        return `${name}, ${way}: ${await check(hostile).catch(ended)}`;
      };
      answers.push(...(await Promise.all(ways.map(check))));
    }
    expect(answers.filter((answer) => !/: (invalid|expired|inactive|malformed|too_large)$/.test(answer))).toEqual([]);
    await expectEach(token, identityOf(deviceKey, customerId));
  });
});

describe("/auth/check", () => {
  test("answers a valid token without a body, forbids caching, and prefers x-access-token", async () => {
    const { token } = await logIn();
    const ask = (headers: Record<string, string>, method = "GET") =>
      fetch(`${publicUrl}/auth/check?any=1`, { method, headers });
    expect((await ask({ "x-access-token": "another", Authorization: `Bearer ${token}` })).status).toBe(401);
    for (const method of ["GET", "HEAD"]) {
      const answer = await ask({ "x-access-token": token }, method);
      expect([answer.status, await answer.text()]).toEqual([200, ""]);
      expect(answer.headers.get("content-length")).toBe("0");
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });

  test("answers errors as REST does, with the challenge of RFC 6750", async () => {
    const answer = await fetch(`${publicUrl}/auth/check`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="countersign", error="invalid_token"');
    expect(await answer.json()).toEqual({
      code: "unauthenticated",
      reason: "invalid",
      message: "the token is invalid because the header x-access-token is missing. The device has to log in again",
    });
  });

  test.for(["GET", "POST", "DELETE", "OPTIONS", "PROPFIND"])("takes %s, also at paths below it", async (method) => {
    const { token, deviceKey } = await logIn();
    const headers = { "x-access-token": token, "content-type": "application/grpc" };
    const ask = (path: string, init: object) => fetch(`${publicUrl}/auth/check${path}`, { method, ...init });
    const answer = await ask("/orders/7?all=1", { headers });
    expect([answer.status, answer.headers.get("x-device-key")]).toEqual([200, deviceKey]);
    expect((await ask("/", {})).status).toBe(401);
    expect((await ask("ed", { headers: { "x-access-token": token } })).status).toBe(404);
  });
});

describe("introspection (RFC 7662)", () => {
  test("has the members of the RFC, times as numbers", async () => {
    const { deviceKey, token } = await logIn();
    const answer = await postIntrospection({ token });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual({
      active: true,
      iss: "https://login.example",
      sub: deviceKey,
      aud: "devices",
      iat: NOW / 1000,
      exp: NOW / 1000 + 600,
      jti: expect.stringMatching(/^[\w-]{20}$/),
      customer_id: customerId,
    });
    // Nothing is revealed about an inactive token.
    expect(await (await postIntrospection({ token: "x" })).text()).toBe('{"active":false}');
  });

  test("names the mistake in a request", async () => {
    const answer = await postIntrospection({ tokens: "x" });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ reason: "malformed", message: "token is missing" });
    expect((await postIntrospection({ token: "x".repeat(20_000) })).status).toBe(413);
  });
});

test.each(["/v1/tokens:verify", "/oauth2/introspect", "/countersign.token.v1.TokenService/Verify"])(
  "%s is on the internal listener only",
  async (path) => {
    const init = { method: "POST", headers: JSON_TYPE, body: JSON.stringify(await logIn()) };
    expect((await fetch(publicUrl + path, init)).status).toBe(404);
  },
);

test("each check is counted once, by protocol and outcome, also after errors", async () => {
  const count = async (): Promise<Record<string, number>> => {
    const metrics = await (await fetch(`${internalUrl}/metrics`)).text();
    const lines = metrics.matchAll(/^countersign_(token_verifications|request_errors)_total{(.*)} (\d+)$/gm);
    return Object.fromEntries([...lines].map(([, name, labels, value]) => [`${name} ${labels}`, Number(value)]));
  };
  const before = await count();
  await (await fetch(`${publicUrl}/auth/check`)).text();
  await (await fetch(`${publicUrl}/auth/check`, { headers: { "x-access-token": "" } })).text();
  await (await postIntrospection({})).text();
  await (await postIntrospection("", { "Content-Type": "text/plain" })).text();
  await verifyByGrpc("");
  await verifyByConnect((await logIn()).token);
  const more = Object.entries(await count()).map(([name, value]) => [name, value - (before[name] ?? 0)] as const);
  expect(Object.fromEntries(more.filter(([, value]) => value > 0))).toEqual({
    'token_verifications protocol="rest",outcome="invalid"': 2,
    'token_verifications protocol="rest",outcome="malformed"': 1,
    'token_verifications protocol="grpc",outcome="malformed"': 1,
    'token_verifications protocol="connect",outcome="ok"': 1,
    'request_errors protocol="rest",reason="unsupported_media_type"': 1,
  });
});
