// nginx with examples/proxies/nginx.conf asks the gateway for each request.

import { expect, test } from "vitest";
import { testAsking, testGatewayTls, testOpen, testPassing, withToken } from "./cases.ts";
import { NGINX } from "./proxy.ts";
import { DEVICE_KEY, startFileSite } from "./site.ts";

const site = await startFileSite(NGINX);
testPassing(site);

test("does not serve the internal check path", async () => {
  const token = await site.logIn(DEVICE_KEY);
  expect((await site.send({ path: "/countersign-check", ...withToken(token) })).status).toBe(404);
});

testAsking(site, {});
testOpen(NGINX, "needs no token", "preflight");
testGatewayTls(NGINX);
