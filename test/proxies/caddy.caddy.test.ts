// Caddy by examples/proxies/Caddyfile: it asks the gateway, and passes on what that says.

import { describe, expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
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

  // The last: the gateway is gone then.
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
});

testOpen({ ...CADDY, options: ["wants no token"] });
