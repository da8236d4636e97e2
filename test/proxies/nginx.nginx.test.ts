// nginx with examples/proxies/nginx.conf asks the gateway for each request.

import { describe, expect, test } from "vitest";
import { testAsking, testGatewayTls, testOpen, testPassing, withToken } from "./cases.ts";
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

  testAsking(site, {});
});

testOpen({ ...NGINX, options: ["needs no token", "preflight"] });
testGatewayTls(NGINX);
