// HTTP/2 resets and frame sequences over TLS, while devices log in.

import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { NO_LIMITS } from "./gateway.ts";
import { makeCertificates } from "./http/certificates.ts";
import { openSite } from "./siege/gateway.ts";
import { skirmish } from "./siege/siege.ts";

const pems = makeCertificates({ server: "ecdsa" });
const TLS = { TLS_CERT: join(pems, "server.crt"), TLS_KEY: join(pems, "server.key") };

test("withstands resets and frame sequences over TLS", async () => {
  const site = await openSite(10, { ...NO_LIMITS, ...TLS });
  onTestFinished(() => site.remove());
  expect(await skirmish(site, { resets: 16, "frames-public": 100 })).toEqual([]);
});
