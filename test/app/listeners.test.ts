// Connection limits of listeners, and the warning about an exposed one.

import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { isExposed, shareDescriptors } from "../../src/app/listeners.ts";
import { startTestGateway } from "../gateway.ts";
import { openSocket } from "../http/raw-http.ts";
import { linesOf, serve, temporaryFolder } from "../program.ts";

test.each([
  { limit: Number.POSITIVE_INFINITY, shares: { public: 10_000, internal: 10_000, internalPerAddress: 1_000 } },
  { limit: 10_700, shares: { public: 10_000, internal: 500, internalPerAddress: 250 } },
  { limit: 1_024, shares: { public: 424, internal: 400, internalPerAddress: 200 } },
  { limit: 300, shares: { public: 50, internal: 50, internalPerAddress: 25 } },
])("$limit open files leave $shares", ({ limit, shares }) => {
  expect(shareDescriptors({ maxConnections: 10_000, maxConnectionsPerAddress: 1_000 }, limit)).toEqual(shares);
});

test("an address that fills its part of the internal listener leaves health and metrics to others", async () => {
  const { internalUrl } = await startTestGateway({ MAX_CONNECTIONS: "4" });
  const open = (localAddress: string) => openSocket(internalUrl, { localAddress });
  const kept = [open("127.0.0.2"), open("127.0.0.2")];
  await Promise.all(kept.map((socket) => once(socket, "connect")));
  await once(open("127.0.0.2").resume(), "close");
  for (const path of ["/readyz", "/metrics"]) {
    const other = open("127.0.0.3");
    other.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(await text(other)).toMatch(/^HTTP\/1\.1 200 /);
  }
});

test.for([
  ["http://0.0.0.0:9090", true],
  ["http://[::]:9090", true],
  ["http://[2001:db8::1]:9090", true],
  ["http://[::ffff:192.0.2.1]:9090", true],
  ["http://127.0.0.1:9090", false],
  ["http://127.8.0.1:9090", false],
  ["http://[::1]:9090", false],
  ["http://[::ffff:127.0.0.1]:9090", false],
  ["https://0.0.0.0:9090", false],
  [undefined, false],
] as const)("an internal listener at %s is exposed: %s", ([url, exposed]) => {
  expect(isExposed(url)).toBe(exposed);
});

test("warns once of an exposed listener", async () => {
  const gateway = await serve(temporaryFolder(), { env: { COUNTERSIGN_INTERNAL_LISTEN: "0.0.0.0:0" } });
  await gateway.end("SIGTERM");
  expect(linesOf(gateway).filter(({ level }) => level === 40)).toMatchObject([
    { internal: gateway.internalUrl, msg: expect.stringContaining("COUNTERSIGN_TLS_CERT") },
  ]);
});
