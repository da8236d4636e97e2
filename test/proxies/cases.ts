// Tests for every proxy: a valid token passes with its identity, and no other request does.

import { Agent, type OutgoingHttpHeaders } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { HttpAnswer } from "../ask.ts";
import { makeCertificates } from "../http/certificates.ts";
import { type Mint, validToken } from "../vectors/forge.ts";
import { fitsField, hostileTokens } from "../vectors/hostile-tokens.ts";
import { echoOf, IDENTITY_NAMES, send, withoutToken } from "./echo.ts";
import type { ProxyProgram } from "./proxy.ts";
import { DEVICE_KEY, openSite, type Site } from "./site.ts";

/** A device_key may have any visible ASCII character. */
const ANY_CHARACTER = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~09AZaz";

const AGENT = new Agent({ keepAlive: true, maxSockets: 16 });

export function withToken(token: string | readonly string[]): { headers: { "x-access-token": string | string[] } } {
  return { headers: { "x-access-token": typeof token === "string" ? token : [...token] } };
}

export function expectRefused({ status, headers, body }: HttpAnswer, request = ""): void {
  expect(status, request).toBe(401);
  expect(headers["www-authenticate"]).toEqual(['Bearer realm="countersign", error="invalid_token"']);
  expect(headers["content-type"]).toEqual([expect.stringMatching(/^application\/json/)]);
  expect(JSON.parse(body)).toMatchObject({ code: "unauthenticated", message: expect.any(String) });
}

/** Outcomes of a header that is too long for the proxy; 0: it closes the connection. */
const TOO_LONG = [0, 400, 431];

/** Sends the corpus of hostile tokens, and a valid token after it. */
export async function expectNoneAccepted({ proxy }: Site, mint: Mint): Promise<void> {
  const tokens = hostileTokens(mint).filter(({ token }) => fitsField(token));
  expect(tokens.length).toBeGreaterThan(150);
  const answers = await Promise.all(
    tokens.map(async ({ name, token }) => {
      const sent = send(proxy.url, { agent: AGENT, ...withToken(token) });
      const { status } = await sent.catch(() => ({ status: 0 }));
      return { name, status, long: token.length > 8_000 };
    }),
  );
  expect(answers.filter(({ status, long }) => status !== 401 && !(long && TOO_LONG.includes(status)))).toEqual([]);
  expect((await send(proxy.url, withToken(validToken(mint)))).status).toBe(200);
}

/** Declares tests for a site. @returns the site, once it is open */
export function testPassing(open: () => Promise<Site>): () => Site {
  let site: Site | undefined;
  const opened = (): Site => {
    if (site === undefined) throw new Error("the site is not open");
    return site;
  };
  const good = (): { "x-access-token": string | string[] } => withToken(validToken(opened().mint)).headers;
  const ask = (options: Parameters<typeof send>[1]): Promise<HttpAnswer> => send(opened().proxy.url, options);

  beforeAll(async () => {
    site = await open();
  });
  afterAll(async () => {
    AGENT.destroy();
    await site?.close();
  });

  describe("a valid token", () => {
    test("reaches the service with its identity", async () => {
      const token = await opened().logIn(DEVICE_KEY);
      const body = "some text".repeat(100);
      const echo = echoOf(await ask({ method: "POST", body, ...withToken(token) }));
      expect(echo).toMatchObject({ method: "POST", body });
      expect(echo.headers["x-device-key"]).toEqual([DEVICE_KEY]);
      expect(echo.headers["x-customer-id"]).toEqual([opened().gateway.customerId]);
      expect(echo.headers["x-access-token"]).toEqual([token]);
    });

    test("may have a device_key of any characters", async () => {
      const { gateway, logIn } = opened();
      const token = await logIn(await gateway.enrol({ deviceKey: ANY_CHARACTER }));
      expect(echoOf(await ask(withToken(token))).headers["x-device-key"]).toEqual([ANY_CHARACTER]);
    });

    test("replaces identity headers of the client", async () => {
      for (const name of IDENTITY_NAMES) {
        const headers = { ...good(), [name]: "admin" };
        const { headers: arrived } = echoOf(await ask({ headers }));
        expect(Object.values(arrived).flat(), name).not.toContain("admin");
        expect(arrived["x-device-key"]).toEqual([DEVICE_KEY]);
      }
      const twice = { ...good(), "X-Device-Key": ["admin", "root"] };
      expect(echoOf(await ask({ headers: twice })).headers["x-device-key"]).toEqual([DEVICE_KEY]);
    });

    test("keeps identity headers that the client lists in Connection (RFC 9110, 7.6.1)", async () => {
      const headers = { ...good(), connection: "X-Device-Key, X-Customer-Id" };
      const { headers: arrived } = echoOf(await ask({ headers }));
      expect(arrived["x-device-key"]).toEqual([DEVICE_KEY]);
      expect(arrived["x-customer-id"]).toEqual([opened().gateway.customerId]);
      expect(arrived["connection"]?.join() ?? "").not.toMatch(/x-/i);
    });

    test("leaves Authorization to the service", async () => {
      const authorization = "Basic c2VydmljZTpvd24=";
      const headers = { ...good(), authorization, cookie: "own=1" };
      expect(echoOf(await ask({ headers })).headers).toMatchObject({
        authorization: [authorization],
        cookie: ["own=1"],
      });
    });

    test("does not change errors of the service", async () => {
      const answer = await ask({ path: "/broken", headers: good() });
      expect(answer.status).toBe(500);
      expect(answer.body).toContain(DEVICE_KEY);
    });
  });

  test("every other request is refused", async () => {
    const { mint, logIn } = opened();
    const token = validToken(mint);
    const refused: Readonly<Record<string, OutgoingHttpHeaders>> = {
      ...withoutToken(token),
      "an empty token": { "x-access-token": "" },
      "another text": withToken("x.y.z").headers,
      "an expired token": withToken(await logIn(DEVICE_KEY, 600_000)).headers,
      "a token after another": withToken(["other", token]).headers,
      "a token twice": withToken([token, token]).headers,
    };
    for (const [name, headers] of Object.entries(refused)) expectRefused(await ask({ headers }), name);
    expect((await ask(withToken(await logIn(DEVICE_KEY, 570_000)))).status).toBe(200);
  });

  return opened;
}

/** Declares a test of the example's lines for requests without a token: OPTIONS, and the path /health. */
export function testOpen(program: ProxyProgram): void {
  test("only requests that need no token pass without one, and without an identity", async () => {
    const { proxy, mint, close } = await openSite(program);
    onTestFinished(close);
    const claimed = { "X-Device-Key": DEVICE_KEY, X_Customer_Id: "admin" };
    for (const wanted of [{ path: "/health" }, { path: "/things", method: "OPTIONS" }]) {
      const echo = echoOf(await send(proxy.url, { ...wanted, headers: claimed }));
      expect(echo.method).toBe(wanted.method ?? "GET");
      expect(Object.keys(echo.headers).join()).not.toMatch(/device|customer/i);
    }
    for (const path of ["/things", "/health/", "/healthy", "/HEALTH", "/things?/health"]) {
      expectRefused(await send(proxy.url, { path, headers: claimed }));
    }
    // A proxy that takes one of these paths for /health passes it on as /health.
    for (const path of ["/things/..%2fhealth", "/things/%2e%2e/health", "/things/../health", "//health"]) {
      const answer = await send(proxy.url, { path, headers: claimed });
      if (answer.status === 200) expect(echoOf(answer).path, path).toBe("/health");
      else expectRefused(answer);
    }
    expect(echoOf(await send(proxy.url, withToken(validToken(mint)))).headers["x-device-key"]).toEqual([DEVICE_KEY]);
  });
}

/** Declares tests of the example's lines for a gateway that speaks TLS. */
export function testGatewayTls(program: ProxyProgram): void {
  const folder = makeCertificates({ server: "ecdsa", other: "ecdsa" });
  const file = (name: string): string => join(folder, name);
  const tls = { cert: file("server.crt"), key: file("server.key") };
  const tlsProgram: ProxyProgram = { ...program, options: ["the gateway speaks TLS"] };

  test("asks a gateway that speaks TLS", async () => {
    const { proxy, mint, close } = await openSite(tlsProgram, tls);
    onTestFinished(close);
    expect(echoOf(await send(proxy.url, withToken(validToken(mint)))).headers["x-device-key"]).toEqual([DEVICE_KEY]);
    expectRefused(await send(proxy.url));
  });

  test("asks no gateway with a certificate of another authority", async () => {
    const { proxy, mint, close } = await openSite(tlsProgram, tls, file("other.crt"));
    onTestFinished(close);
    expect((await send(proxy.url, withToken(validToken(mint)))).status).toBe(503);
  });
}

/**
 * Declares tests of a proxy that asks the gateway. They are the last ones of a site, since they close the gateway.
 * @param told what the proxy passes on of the gateway's error
 */
export function testAsking(site: () => Site, told: object): void {
  test("refuses a revoked token at once, and not the next one", async () => {
    const { proxy, gateway, logIn } = site();
    const token = await logIn(DEVICE_KEY);
    expect((await send(proxy.url, withToken(token))).status).toBe(200);
    await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
    const refused = await send(proxy.url, withToken(token));
    expectRefused(refused);
    expect(JSON.parse(refused.body)).toMatchObject(told);
    expect((await send(proxy.url, withToken(await logIn(DEVICE_KEY)))).status).toBe(200);
  });

  test("answers 503 while the gateway is away", async () => {
    const { proxy, logIn, stopGateway } = site();
    const token = await logIn(DEVICE_KEY);
    await stopGateway();
    const { status, headers, body } = await send(proxy.url, withToken(token));
    expect(status).toBe(503);
    expect(headers["retry-after"]).toEqual(["1"]);
    expect(headers["content-type"]).toEqual(["application/json"]);
    expect(JSON.parse(body)).toMatchObject({ code: "unavailable", reason: "unavailable" });
  });
}
