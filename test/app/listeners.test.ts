// The connections of each listener, by the settings and the process's limit of open files.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { shareDescriptors } from "../../src/app/listeners.ts";
import { startTestGateway } from "../gateway.ts";

test.each([
  { limit: Number.POSITIVE_INFINITY, shares: { public: 10_000, internal: 10_000, internalPerAddress: 1_000 } },
  { limit: 20_000, shares: { public: 10_000, internal: 9_800, internalPerAddress: 1_000 } },
  { limit: 10_700, shares: { public: 10_000, internal: 500, internalPerAddress: 250 } },
  { limit: 1_024, shares: { public: 424, internal: 400, internalPerAddress: 200 } },
  { limit: 300, shares: { public: 50, internal: 50, internalPerAddress: 25 } },
])("$limit open files leave $shares", ({ limit, shares }) => {
  expect(shareDescriptors({ maxConnections: 10_000, maxConnectionsPerAddress: 1_000 }, limit)).toEqual(shares);
});

test("an address that fills its part of the internal listener leaves health and metrics to others", async () => {
  const { internalUrl } = await startTestGateway({ MAX_CONNECTIONS: "4" });
  const open = (localAddress: string): Socket => {
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(internalUrl).port), localAddress });
    onTestFinished(() => void socket.destroy());
    return socket.on("error", () => {});
  };
  const kept = [open("127.0.0.2"), open("127.0.0.2")];
  await Promise.all(kept.map((socket) => once(socket, "connect")));
  await once(open("127.0.0.2").resume(), "close");
  for (const path of ["/readyz", "/metrics"]) {
    const other = open("127.0.0.3");
    other.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(await text(other)).toMatch(/^HTTP\/1\.1 200 /);
  }
});
