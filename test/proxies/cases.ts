// Tests for every proxy: only requests with a valid token pass.

import { Agent, type OutgoingHttpHeaders } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { HttpAnswer } from "../ask.ts";
import { makeCertificates } from "../http/certificates.ts";
import { type Mint, validToken } from "../vectors/forge.ts";
import { fitsField, hostileTokens } from "../vectors/hostile-tokens.ts";
import type { ProxyProgram } from "./proxy.ts";
import { DEVICE_KEY, echoOf, openSite, type Site, type SiteOptions } from "./site.ts";

/** A device_key may have any visible ASCII character. */
const ANY_CHARACTER = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~09AZaz";

const SEPARATORS = ["-", "_", "."];

/** Spellings of the identity headers that a service may take for the same name. */
const IDENTITY_NAMES = SEPARATORS.flatMap((a) =>
  SEPARATORS.flatMap((b) => [`X${a}Device${b}Key`, `X${a}Customer${b}Id`, `x${a}device${b}key`]),
);

/** The options of a request with a token. */
export const withToken = (token: string) => ({ headers: { "x-access-token": token } });

export function expectRefused({ status, headers, body }: HttpAnswer, request = ""): void {
  expect(status, request).toBe(401);
  expect(headers["www-authenticate"]).toEqual(['Bearer realm="countersign", error="invalid_token"']);
  expect(headers["content-type"]).toEqual([expect.stringMatching(/^application\/json/)]);
  expect(JSON.parse(body)).toMatchObject({ code: "unauthenticated", message: expect.any(String) });
}

/** Expects that the service gets a request with the device's identity. */
export function expectPassed(answer: HttpAnswer): void {
  expect(echoOf(answer).headers["x-device-key"]).toEqual([DEVICE_KEY]);
}

/** Outcomes of a header that is too long for the proxy; 0: it closes the connection. */
const TOO_LONG = [0, 400, 431];

/** Sends the corpus of hostile tokens, and a valid token after it. */
export async function expectNoneAccepted({ send }: Site, mint: Mint): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  onTestFinished(() => agent.destroy());
  const tokens = hostileTokens(mint).filter(({ token }) => fitsField(token));
  expect(tokens.length).toBeGreaterThan(150);
  const answers = await Promise.all(
    tokens.map(async ({ name, token }) => {
      const { status } = await send({ agent, ...withToken(token) }).catch(() => ({ status: 0 }));
      return { name, status, long: token.length > 8_000 };
    }),
  );
  expect(answers.filter(({ status, long }) => status !== 401 && !(long && TOO_LONG.includes(status)))).toEqual([]);
  expectPassed(await send(withToken(validToken(mint))));
}

/** Declares tests of a valid token, and of every other request. `expectWrong` checks the answer to such a request. */
export function testPassing({ gateway, mint, logIn, send }: Site, expectWrong = expectRefused): void {
  const valid = withToken(validToken(mint)).headers;

  test("a valid token reaches the service with its identity", async () => {
    const token = await logIn(DEVICE_KEY);
    const body = "some text".repeat(100);
    expect(echoOf(await send({ method: "POST", body, ...withToken(token) }))).toMatchObject({
      method: "POST",
      headers: { "x-device-key": [DEVICE_KEY], "x-customer-id": [gateway.customerId], "x-access-token": [token] },
      body,
    });
  });

  test("a device_key may have any character", async () => {
    const token = await logIn(await gateway.enrol({ deviceKey: ANY_CHARACTER }));
    expect(echoOf(await send(withToken(token))).headers["x-device-key"]).toEqual([ANY_CHARACTER]);
  });

  test("the identity replaces identity headers of the client", async () => {
    const forged = IDENTITY_NAMES.map((name): OutgoingHttpHeaders => ({ [name]: "admin" }));
    for (const headers of [...forged, { "X-Device-Key": ["admin", "root"] }]) {
      const answer = await send({ headers: { ...valid, ...headers } });
      expectPassed(answer);
      expect(Object.values(echoOf(answer).headers).flat(), JSON.stringify(headers)).not.toContain("admin");
    }
  });

  test("identity headers that the client lists in Connection are kept (RFC 9110, 7.6.1)", async () => {
    const { headers } = echoOf(await send({ headers: { ...valid, connection: "X-Device-Key, X-Customer-Id" } }));
    expect(headers).toMatchObject({ "x-device-key": [DEVICE_KEY], "x-customer-id": [gateway.customerId] });
    expect(headers["connection"]?.join() ?? "").not.toMatch(/x-/i);
  });

  test("Authorization and cookies are left to the service", async () => {
    const own = { authorization: "Basic c2VydmljZTpvd24=", cookie: "own=1" };
    const { headers } = echoOf(await send({ headers: { ...valid, ...own } }));
    expect(headers).toMatchObject({ authorization: [own.authorization], cookie: [own.cookie] });
  });

  test("errors of the service are not changed", async () => {
    const { status, body } = await send({ path: "/broken", headers: valid });
    expect([status, body]).toEqual([500, expect.stringContaining(DEVICE_KEY)]);
  });

  test("every other request is refused", async () => {
    const token = validToken(mint);
    const wrong: Readonly<Record<string, OutgoingHttpHeaders>> = {
      "no token": {},
      "no token, but an identity": { "X-Device-Key": DEVICE_KEY },
      "a token in Authorization, which the service does not read": { authorization: `Bearer ${token}` },
      "a token in x_access_token": { x_access_token: token },
      "two tokens": { "x-access-token": [token, "other"] },
      "an empty token": { "x-access-token": "" },
      "another text": { "x-access-token": "x.y.z" },
      "an expired token": { "x-access-token": await logIn(DEVICE_KEY, 600_000) },
      "a token after another": { "x-access-token": ["other", token] },
      "a token twice": { "x-access-token": [token, token] },
    };
    for (const [name, headers] of Object.entries(wrong)) expectWrong(await send({ headers }), name);
    expectPassed(await send(withToken(await logIn(DEVICE_KEY, 570_000))));
  });
}

/** Opens a site for the calling test. */
async function openTestSite(program: ProxyProgram, options: SiteOptions): Promise<Site> {
  const site = await openSite(program, options);
  onTestFinished(site.close);
  return site;
}

/** Declares a test of the example's lines for requests without a token: OPTIONS, and the path /health. */
export function testOpen(program: ProxyProgram, ...lines: readonly string[]): void {
  test("only requests that need no token pass without one, and without an identity", async () => {
    const { send, mint } = await openTestSite(program, { lines });
    const headers = { "X-Device-Key": DEVICE_KEY, X_Customer_Id: "admin" };
    for (const { path, method } of [
      { path: "/health", method: "GET" },
      { path: "/things", method: "OPTIONS" },
    ]) {
      const echo = echoOf(await send({ path, method, headers }));
      expect(echo.method).toBe(method);
      expect(Object.keys(echo.headers).join()).not.toMatch(/device|customer/i);
    }
    for (const path of ["/things", "/health/", "/healthy", "/HEALTH", "/things?/health"]) {
      expectRefused(await send({ path, headers }));
    }
    // A proxy that takes one of these paths for /health passes it on as /health.
    for (const path of ["/things/..%2fhealth", "/things/%2e%2e/health", "/things/../health", "//health"]) {
      const answer = await send({ path, headers });
      if (answer.status === 200) expect(echoOf(answer).path, path).toBe("/health");
      else expectRefused(answer);
    }
    expectPassed(await send(withToken(validToken(mint))));
  });
}

/** Declares a test of the example's lines for a gateway that speaks TLS. */
export function testGatewayTls(program: ProxyProgram): void {
  const folder = makeCertificates({ server: "ecdsa", other: "ecdsa" });
  const [cert, key, trusted] = [join(folder, "server.crt"), join(folder, "server.key"), join(folder, "other.crt")];
  const lines = ["the gateway speaks TLS"];

  test("asks a gateway that speaks TLS, and none with a certificate of another authority", async () => {
    const { send, mint } = await openTestSite(program, { lines, tls: { cert, key } });
    expectPassed(await send(withToken(validToken(mint))));
    expectRefused(await send());
    const untrusted = await openTestSite(program, { lines, tls: { cert, key, trusted } });
    expect((await untrusted.send(withToken(validToken(untrusted.mint)))).status).toBe(503);
  });
}

/**
 * Declares tests of a proxy that asks the gateway. They are the last ones of a site, since they close the gateway.
 * @param told what the proxy passes on of the gateway's error
 */
export function testAsking({ gateway, logIn, send }: Site, told: object): void {
  test("refuses a revoked token at once, and not the next one", async () => {
    const token = await logIn(DEVICE_KEY);
    expectPassed(await send(withToken(token)));
    await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
    const refused = await send(withToken(token));
    expectRefused(refused);
    expect(JSON.parse(refused.body)).toMatchObject(told);
    expectPassed(await send(withToken(await logIn(DEVICE_KEY))));
  });

  test("answers 503 while the gateway is away", async () => {
    const token = await logIn(DEVICE_KEY);
    await gateway.close();
    const { status, headers, body } = await send(withToken(token));
    expect(status).toBe(503);
    expect(headers).toMatchObject({ "retry-after": ["1"], "content-type": ["application/json"] });
    expect(JSON.parse(body)).toMatchObject({ code: "unavailable", reason: "unavailable" });
  });
}
