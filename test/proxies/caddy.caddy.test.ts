// Caddy with examples/proxies/Caddyfile asks the gateway, and passes its errors on.

import { describe, expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { expectRefused, testAway, testGatewayTls, testOpen, testPassing, withToken } from "./cases.ts";
import { send } from "./echo.ts";
import { CADDY } from "./proxy.ts";
import { DEVICE_KEY, openSite } from "./site.ts";

describe("Caddy", () => {
  const site = testPassing(() => openSite(CADDY));

  test("refuses a revoked token at once, with the gateway's reason", async () => {
    const { proxy, gateway, logIn } = site();
    const token = await logIn(DEVICE_KEY);
    await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
    const refused = await send(proxy.url, withToken(token));
    expectRefused(refused);
    expect(JSON.parse(refused.body)).toMatchObject({ reason: "revoked" });
  });

  testAway(site);
});

testOpen({ ...CADDY, options: ["needs no token"] });
testGatewayTls(CADDY);
