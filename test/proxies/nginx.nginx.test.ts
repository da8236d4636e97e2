// nginx by examples/proxies/nginx.conf: it asks the gateway, so what is revoked is refused at once.

import { describe, expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { testAway } from "./away.ts";
import { expectRefused, testOpen, testPassing, withToken } from "./cases.ts";
import { NGINX } from "./proxy.ts";
import { send } from "./request.ts";
import { DEVICE_KEY, openSite } from "./site.ts";

describe("nginx", () => {
  const site = testPassing(() => openSite(NGINX));

  test("has no way to the check from outside", async () => {
    const { proxy, logIn } = site();
    const token = await logIn(DEVICE_KEY);
    expect((await send(proxy.url, { path: "/countersign-check", ...withToken(token) })).status).toBe(404);
  });

  test("refuses what was revoked, at once", async () => {
    const { proxy, gateway, logIn } = site();
    const token = await logIn(DEVICE_KEY);
    expect((await send(proxy.url, withToken(token))).status).toBe(200);
    await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
    expectRefused(await send(proxy.url, withToken(token)));
    expect((await send(proxy.url, withToken(await logIn(DEVICE_KEY)))).status).toBe(200);
  });

  testAway(site);
});

testOpen({ ...NGINX, options: ["wants no token", "preflight"] });
