// HAProxy with examples/proxies/haproxy.cfg and haproxy-keys.mjs verifies tokens without the gateway.

import { describe, expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { HttpAnswer } from "../ask.ts";
import { claimsOf, headerOf, signed, validToken } from "../vectors/forge.ts";
import { expectNoneAccepted, expectRefused, testOpen, testPassing, withToken } from "./cases.ts";
import { echoOf, send } from "./echo.ts";
import { HAPROXY } from "./proxy.ts";
import { DEVICE_KEY, openSite } from "./site.ts";

/** Seconds that a request may take on a busy machine. */
const LEEWAY_S = 5;

function headerIn(token: string): unknown {
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
}

describe("HAProxy", () => {
  const site = testPassing(() => openSite(HAPROXY));
  const ask = (token: string): Promise<HttpAnswer> => send(site().proxy.url, withToken(token));

  test("refuses every hostile token of RS256 that a header can carry", () => expectNoneAccepted(site(), site().mint));

  test("distinguishes expired from invalid tokens", async () => {
    expect(JSON.parse((await ask(await site().logIn(DEVICE_KEY, 600_000))).body)).toMatchObject({ reason: "expired" });
    expect(JSON.parse((await ask("x.y.z")).body)).toMatchObject({ reason: "invalid" });
  });

  test("accepts iat and exp up to their limits", async () => {
    const { mint } = site();
    const passes = async (iat: number, exp: number): Promise<boolean> => {
      const now = Math.floor(Date.now() / 1000);
      const claims = { ...claimsOf(mint), iat: now + iat, exp: now + exp };
      return (await ask(signed(mint, headerOf(mint), claims))).status === 200;
    };
    expect(await passes(60, 100)).toBe(true);
    expect(await passes(60 + LEEWAY_S, 100)).toBe(false);
    expect(await passes(0, 86_400)).toBe(true);
    expect(await passes(0, 86_401)).toBe(false);
    expect(await passes(-600, LEEWAY_S)).toBe(true);
    expect(await passes(-600, 0)).toBe(false);
  });

  test("accepts the next key, of another algorithm, without a reload", async () => {
    const { gateway, logIn, writeKeys } = site();
    await site().publishNextOf("ES256");
    await writeKeys();
    await site().restartProxy();
    const before = await logIn(DEVICE_KEY);
    await gateway.signingKeys.rotate(true, GATEWAY);
    const after = await logIn(DEVICE_KEY);
    expect(headerIn(before)).toMatchObject({ alg: "RS256" });
    expect(headerIn(after)).toMatchObject({ alg: "ES256" });
    for (const token of [before, after]) {
      expect(echoOf(await ask(token)).headers["x-device-key"]).toEqual([DEVICE_KEY]);
    }
    // A token with the header of the other key.
    expectRefused(await ask(after.replace(/^[^.]+/, before.split(".")[0] ?? "")));

    expect(await writeKeys()).toBe("reloaded\n");
    expect(await writeKeys()).toBe("unchanged\n");
    await site().restartProxy();
    for (const token of [before, after]) expect((await ask(token)).status).toBe(200);
  });

  test("trusts a revoked key until it is reloaded", async () => {
    const { gateway, replaceKey, writeKeys } = site();
    const stolen = await replaceKey();
    await writeKeys();
    await site().restartProxy();
    const token = validToken(stolen);
    expect((await ask(token)).status).toBe(200);
    await gateway.signingKeys.revoke(stolen.kid, GATEWAY);
    expect(await writeKeys()).toBe("reloaded\n");
    expect((await ask(token)).status).toBe(200);
    await site().restartProxy();
    expectRefused(await ask(token));
  });

  test("refuses every hostile token of ES256", async () => {
    await using cleanup = new AsyncDisposableStack();
    const other = await openSite(HAPROXY, undefined, "", "ES256");
    cleanup.defer(other.close);
    await expectNoneAccepted(other, other.mint);
  });

  test("accepts a revoked token until it expires", async () => {
    const { gateway, logIn } = site();
    const token = await logIn(DEVICE_KEY);
    await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
    expect((await ask(token)).status).toBe(200);
  });

  // The last test of this site: it closes the gateway.
  test("verifies with its keys while the gateway is away", async () => {
    const { logIn, stopGateway, writeKeys } = site();
    const token = await logIn(DEVICE_KEY);
    await stopGateway();
    await expect(writeKeys()).rejects.toThrow(/haproxy-keys: the key set cannot be fetched: /);
    await site().restartProxy();
    expect(echoOf(await ask(token)).headers["x-device-key"]).toEqual([DEVICE_KEY]);
    expectRefused(await ask(`${token.slice(0, -4)}AAAA`));
  });
});

testOpen({ ...HAPROXY, options: ["needs no token"] });
