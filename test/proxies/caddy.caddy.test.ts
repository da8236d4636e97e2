// Caddy with examples/proxies/Caddyfile asks the gateway, and passes its errors on.

import { describe } from "vitest";
import { testAsking, testGatewayTls, testOpen, testPassing } from "./cases.ts";
import { CADDY } from "./proxy.ts";
import { openSite } from "./site.ts";

describe("Caddy", () => {
  const site = testPassing(() => openSite(CADDY));
  testAsking(site, { reason: "revoked" });
});

testOpen({ ...CADDY, options: ["needs no token"] });
testGatewayTls(CADDY);
