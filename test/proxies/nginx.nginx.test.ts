// nginx with examples/proxies/nginx.conf asks the gateway for each request.

import { describe, expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { expectRefused, testAway, testGatewayTls, testOpen, testPassing, withToken } from "./cases.ts";
import { send } from "./echo.ts";
import { NGINX } from "./proxy.ts";
import { DEVICE_KEY, openSite } from "./site.ts";

describe("nginx", () => {
  const site = testPassing(() => openSite(NGINX));

  test("does not serve the internal check path", async () => {
    const { proxy, logIn } = site();
    const token = await logIn(DEVICE_KEY);
    expect((await send(proxy.url, { path: "/countersign-check", ...withToken(token) })).status).toBe(404);
  });

  test("refuses a revoked token at once", async () => {
    const { proxy, gateway, logIn } = site();
    const token = await logIn(DEVICE_KEY);
    expect((await send(proxy.url, withToken(token))).status).toBe(200);
    await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
    expectRefused(await send(proxy.url, withToken(token)));
    expect((await send(proxy.url, withToken(await logIn(DEVICE_KEY)))).status).toBe(200);
  });

  testAway(site);
});

testOpen({ ...NGINX, options: ["needs no token", "preflight"] });
testGatewayTls(NGINX);
