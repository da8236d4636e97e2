// Caddy by examples/proxies/Caddyfile: it asks the gateway, and passes on what that says.

import { describe, expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { testAway } from "./away.ts";
import { expectRefused, testOpen, testPassing, withToken } from "./cases.ts";
import { CADDY } from "./proxy.ts";
import { send } from "./request.ts";
import { DEVICE_KEY, openSite } from "./site.ts";

describe("Caddy", () => {
  const site = testPassing(() => openSite(CADDY));

  test("refuses what was revoked, at once, with the gateway's own words", async () => {
    const { proxy, gateway, logIn } = site();
    const token = await logIn(DEVICE_KEY);
    await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
    const refused = await send(proxy.url, withToken(token));
    expectRefused(refused);
    expect(JSON.parse(refused.body)).toMatchObject({ reason: "revoked" });
  });

  testAway(site);
});

testOpen({ ...CADDY, options: ["wants no token"] });
