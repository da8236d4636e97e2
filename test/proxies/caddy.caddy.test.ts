// Caddy with examples/proxies/Caddyfile asks the gateway, and passes its errors on.

import { testAsking, testGatewayTls, testOpen, testPassing } from "./cases.ts";
import { CADDY } from "./proxy.ts";
import { startFileSite } from "./site.ts";

const site = await startFileSite(CADDY);
testPassing(site);
testAsking(site, { reason: "revoked" });
testOpen(CADDY, "needs no token");
testGatewayTls(CADDY);
