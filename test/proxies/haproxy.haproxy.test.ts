// HAProxy with examples/proxies/haproxy.cfg and haproxy-keys.mjs verifies tokens without the gateway.

import { decodeProtectedHeader } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { HttpAnswer } from "../ask.ts";
import { validToken } from "../vectors/forge.ts";
import { tokenWith } from "../verify/issuer.ts";
import { expectNoneAccepted, expectPassed, expectRefused, testOpen, testPassing, withToken } from "./cases.ts";
import { HAPROXY } from "./proxy.ts";
import { DEVICE_KEY, openSite, startFileSite } from "./site.ts";

/** Seconds that a request may take on a busy machine. */
const LEEWAY_S = 5;

const site = await startFileSite(HAPROXY);
const { gateway, mint, logIn, writeKeys, replaceKey, restartProxy } = site;
const ask = (token: string): Promise<HttpAnswer> => site.send(withToken(token));

testPassing(site);

test("refuses every hostile RS256 token that fits into a header", () => expectNoneAccepted(site, mint));

test("distinguishes expired from invalid tokens", async () => {
  const expired = await logIn(DEVICE_KEY, 600_000);
  expect(JSON.parse((await ask(expired)).body)).toMatchObject({ reason: "expired" });
  expect(JSON.parse((await ask("x.y.z")).body)).toMatchObject({ reason: "invalid" });
});

test.each([
  [60, 100, 200],
  [60 + LEEWAY_S, 100, 401],
  [0, 86_400, 200],
  [0, 86_401, 401],
  [-600, LEEWAY_S, 200],
  [-600, 0, 401],
])("a token with iat %i and exp %i seconds from now gets %i", async (iat, exp, status) => {
  const now = Math.floor(Date.now() / 1000);
  expect((await ask(tokenWith(mint, { iat: now + iat, exp: now + exp }))).status).toBe(status);
});

test("accepts tokens of the old RS256 key and the new ES256 key, before and after a reload", async () => {
  await site.publishNextOf("ES256");
  await writeKeys();
  await restartProxy();
  const before = await logIn(DEVICE_KEY);
  await gateway.signingKeys.rotate(true, GATEWAY);
  const after = await logIn(DEVICE_KEY);
  expect([before, after].map((token) => decodeProtectedHeader(token).alg)).toEqual(["RS256", "ES256"]);
  for (const token of [before, after]) expectPassed(await ask(token));
  // A token with the header of the other key.
  expectRefused(await ask(after.replace(/^[^.]+/, before.split(".")[0] ?? "")));

  expect(await writeKeys()).toBe("reloaded\n");
  expect(await writeKeys()).toBe("unchanged\n");
  await restartProxy();
  for (const token of [before, after]) expectPassed(await ask(token));
});

test("trusts a revoked signing key until HAProxy reloads", async () => {
  const replacement = await replaceKey();
  await writeKeys();
  await restartProxy();
  const token = validToken(replacement);
  expectPassed(await ask(token));
  await gateway.signingKeys.revoke(replacement.kid, GATEWAY);
  expect(await writeKeys()).toBe("reloaded\n");
  expectPassed(await ask(token));
  await restartProxy();
  expectRefused(await ask(token));
});

test("refuses every hostile ES256 token that fits into a header", async () => {
  const other = await openSite(HAPROXY, { alg: "ES256" });
  onTestFinished(other.close);
  await expectNoneAccepted(other, other.mint);
});

test("accepts a revoked token that has not expired", async () => {
  const token = await logIn(DEVICE_KEY);
  await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
  expectPassed(await ask(token));
});

testOpen(HAPROXY, "needs no token");

// The last test of this site: it closes the gateway.
test("verifies with its key files while the gateway is away", async () => {
  const token = await logIn(DEVICE_KEY);
  await gateway.close();
  await expect(writeKeys()).rejects.toThrow(/haproxy-keys: the key set cannot be fetched: /);
  await restartProxy();
  expectPassed(await ask(token));
  expectRefused(await ask(`${token.slice(0, -4)}AAAA`));
});
