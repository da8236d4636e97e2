// What holds behind every proxy: a good token passes with the identity that is in it, no other does. Knows no proxy.

import { Agent } from "node:http";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { goodToken, type Mint } from "../vectors/forge.ts";
import { fitsField, hostileTokens } from "../vectors/hostile-tokens.ts";
import type { ProxyProgram } from "./proxy.ts";
import { echoOf, type ProxyAnswer, send } from "./request.ts";
import { type Certificate, DEVICE_KEY, openSite, type Site } from "./site.ts";

/** Visible ASCII whole: a device_key may be any of it. */
const ANY_CHARACTER = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~09AZaz";

const AGENT = new Agent({ keepAlive: true, maxSockets: 16 });

export function withToken(token: string | readonly string[]): { headers: { "x-access-token": string | string[] } } {
  return { headers: { "x-access-token": typeof token === "string" ? token : [...token] } };
}

export function expectRefused({ status, headers, body }: ProxyAnswer): void {
  expect(status).toBe(401);
  expect(headers["www-authenticate"]).toEqual(['Bearer realm="countersign", error="invalid_token"']);
  expect(headers["content-type"]).toEqual([expect.stringMatching(/^application\/json/)]);
  expect(JSON.parse(body)).toMatchObject({ code: "unauthenticated", message: expect.any(String) });
}

/** What becomes of a header that is longer than the proxy takes: it may hang up while that is still being sent. */
const TOO_LONG = [0, 400, 431];

/** Sends the corpus around a good token. Whatever becomes of it, the good one passes after. */
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
  expect((await send(proxy.url, withToken(goodToken(mint)))).status).toBe(200);
}

/** Declares these tests for a site. @returns the site, once it is open */
export function testPassing(open: () => Promise<Site>): () => Site {
  let site: Site | undefined;
  const opened = (): Site => {
    if (site === undefined) throw new Error("the site is not open");
    return site;
  };
  const ask = (options: Parameters<typeof send>[1]): Promise<ProxyAnswer> => send(opened().proxy.url, options);

  beforeAll(async () => {
    site = await open();
  });
  afterAll(async () => {
    AGENT.destroy();
    await site?.close();
  });

  describe("a good token", () => {
    test("passes, with the identity that is in it, and goes on itself", async () => {
      const token = await opened().logIn(DEVICE_KEY);
      const body = "some text".repeat(100);
      const echo = echoOf(await ask({ method: "POST", body, ...withToken(token) }));
      expect(echo).toMatchObject({ method: "POST", body });
      expect(echo.headers["x-device-key"]).toEqual([DEVICE_KEY]);
      expect(echo.headers["x-customer-id"]).toEqual([opened().gateway.customerId]);
      expect(echo.headers["x-access-token"]).toEqual([token]);
    });

    test("of a device_key of any characters", async () => {
      const { gateway, logIn } = opened();
      const token = await logIn(await gateway.enrol({ deviceKey: ANY_CHARACTER }));
      expect(echoOf(await ask(withToken(token))).headers["x-device-key"]).toEqual([ANY_CHARACTER]);
    });

    test("of the corpus: what the others are one step away from", async () => {
      expect(echoOf(await ask(withToken(goodToken(opened().mint)))).headers["x-device-key"]).toEqual([DEVICE_KEY]);
    });

    test("says who the client is, whatever that says of itself", async () => {
      const between = ["-", "_", "."];
      const names = between.flatMap((one) =>
        between.flatMap((other) => [
          `X${one}Device${other}Key`,
          `X${one}Customer${other}Id`,
          `x${one}device${other}key`,
        ]),
      );
      for (const name of names) {
        const headers = { ...withToken(goodToken(opened().mint)).headers, [name]: "admin" };
        const { headers: arrived } = echoOf(await ask({ headers }));
        expect(Object.values(arrived).flat(), name).not.toContain("admin");
        expect(arrived["x-device-key"]).toEqual([DEVICE_KEY]);
      }
      const twice = { ...withToken(goodToken(opened().mint)).headers, "X-Device-Key": ["admin", "root"] };
      expect(echoOf(await ask({ headers: twice })).headers["x-device-key"]).toEqual([DEVICE_KEY]);
    });

    test("says so though the client calls these headers its connection's own (RFC 9110, 7.6.1)", async () => {
      const headers = { ...withToken(goodToken(opened().mint)).headers, connection: "X-Device-Key, X-Customer-Id" };
      const { headers: arrived } = echoOf(await ask({ headers }));
      expect(arrived["x-device-key"]).toEqual([DEVICE_KEY]);
      expect(arrived["x-customer-id"]).toEqual([opened().gateway.customerId]);
      expect(arrived["connection"]?.join() ?? "").not.toMatch(/x-/i);
    });

    test("leaves Authorization to the service", async () => {
      const authorization = "Basic c2VydmljZTpvd24=";
      const headers = { ...withToken(goodToken(opened().mint)).headers, authorization, cookie: "own=1" };
      expect(echoOf(await ask({ headers })).headers).toMatchObject({
        authorization: [authorization],
        cookie: ["own=1"],
      });
    });

    test("lets errors of the service through as they are", async () => {
      const answer = await ask({ path: "/broken", ...withToken(goodToken(opened().mint)) });
      expect(answer.status).toBe(500);
      expect(answer.body).toContain(DEVICE_KEY);
    });
  });

  describe("is refused", () => {
    test("a request without a token, or with an empty one, in the proxy's name", async () => {
      expectRefused(await ask({}));
      expectRefused(await ask({ headers: { "x-access-token": "" } }));
      expectRefused(await ask({ headers: { "X-Device-Key": DEVICE_KEY } }));
      expectRefused(await ask({ headers: { x_access_token: goodToken(opened().mint) } }));
    });

    test("a good token as Authorization: Bearer: the service would have no X-Access-Token", async () => {
      expectRefused(await ask({ headers: { authorization: `Bearer ${goodToken(opened().mint)}` } }));
    });

    test("a token that has expired, in its second", async () => {
      const { logIn } = opened();
      expectRefused(await ask(withToken(await logIn(DEVICE_KEY, 600_000))));
      expect((await ask(withToken(await logIn(DEVICE_KEY, 570_000)))).status).toBe(200);
    });

    test("a request with two tokens, though one of them is good", async () => {
      const good = goodToken(opened().mint);
      expectRefused(await ask(withToken([good, "other"])));
      expectRefused(await ask(withToken(["other", good])));
      expectRefused(await ask(withToken([good, good])));
    });

    test("every hostile token that a header can carry, and good ones pass after", () =>
      expectNoneAccepted(opened(), opened().mint));
  });

  return opened;
}

/** Declares what holds where the lines of an example are chosen that name what wants no token: OPTIONS, and the path /health. */
export function testOpen(program: ProxyProgram): void {
  test("what wants no token passes, as nobody's, and nothing else does", async () => {
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
    // To the one it is /health, to the other a path below /things: it is refused, or arrives as what it was taken for.
    for (const path of ["/things/..%2fhealth", "/things/%2e%2e/health", "/things/../health", "//health"]) {
      const answer = await send(proxy.url, { path, headers: claimed });
      if (answer.status === 200) expect(echoOf(answer).path, path).toBe("/health");
      else expectRefused(answer);
    }
    expect(echoOf(await send(proxy.url, withToken(goodToken(mint)))).headers["x-device-key"]).toEqual([DEVICE_KEY]);
  });
}

/** Declares what holds where the lines of an example are chosen that are for a gateway which speaks TLS. */
export function testGatewayTls(program: ProxyProgram, own: Certificate, other: Certificate): void {
  test("asks a gateway that speaks TLS", async () => {
    const { proxy, mint, close } = await openSite(program, own);
    onTestFinished(close);
    expect(echoOf(await send(proxy.url, withToken(goodToken(mint)))).headers["x-device-key"]).toEqual([DEVICE_KEY]);
    expectRefused(await send(proxy.url));
  });

  test("asks no gateway whose certificate is of another authority", async () => {
    const { proxy, mint, close } = await openSite(program, own, other.cert);
    onTestFinished(close);
    expect((await send(proxy.url, withToken(goodToken(mint)))).status).toBe(503);
  });
}
