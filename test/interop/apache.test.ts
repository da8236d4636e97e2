// Apache with examples/proxies/apache.conf asks the gateway about every token.

import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { HttpAnswer } from "../ask.ts";
import { expectPassed, testPassing, withToken } from "../proxies/cases.ts";
import { APACHE } from "../proxies/proxy.ts";
import { DEVICE_KEY, echoOf, startFileSite } from "../proxies/site.ts";
import { install } from "./programs.ts";

const PROBE = "apache2 -v && test -e /usr/lib/apache2/modules/mod_auth_openidc.so";
install({ name: "Apache", packages: "apache2 libapache2-mod-auth-openidc", probe: PROBE });
const site = await startFileSite(APACHE);
// Apache opens its port, closes it and opens it again when it starts.
while ((await site.send().catch(() => undefined)) === undefined) await pause(50);

// Apache answers with a page of its own.
const expectRefused = ({ status }: HttpAnswer, request = ""): void => expect(status, request).toBe(401);

testPassing(site, expectRefused);

test("the service gets no header of the module", async () => {
  const token = { "x-access-token": await site.logIn(DEVICE_KEY) };
  for (const own of [{}, { authorization: "Basic c2VydmljZTpvd24=", cookie: "own=1" }]) {
    const { headers } = echoOf(await site.send({ headers: { ...token, ...own } }));
    const kept = Object.keys(headers).filter((name) => /oidc|authorization|cookie/i.test(name));
    expect(kept.sort()).toEqual(Object.keys(own));
  }
});

test("refuses a revoked token at once and not the next one, and each while the gateway is away", async () => {
  const { gateway, logIn, send } = site;
  const token = await logIn(DEVICE_KEY);
  expectRefused(await send(withToken(`${token.slice(0, -8)}AAAAAAAA`)));
  await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
  expectRefused(await send(withToken(token)));
  const next = withToken(await logIn(DEVICE_KEY));
  expectPassed(await send(next));
  await gateway.close();
  expectRefused(await send(next));
});
