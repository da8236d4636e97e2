// The peer's side of peer.ts: every file in peers/ calls it.

import { once } from "node:events";
import type { Server } from "node:net";
import type { PeerOrigins, PeerSetup } from "./peer.ts";

/** Serves as a peer: `start` listens on any free port of 127.0.0.1 and says where. */
export function servePeer(start: (setup: PeerSetup) => Promise<string | PeerOrigins>): void {
  process.once("message", (setup: PeerSetup) => {
    void start(setup).then((origins) => {
      process.send?.(typeof origins === "string" ? { url: origins } : origins);
      process.on("message", () => {
        const { user, system } = process.cpuUsage();
        process.send?.({ cpuMicros: user + system });
      });
    });
  });
  process.once("disconnect", () => process.exit());
}

/** Lets a server listen on any free port. @returns its origin */
export async function listen(server: Server, scheme: "http" | "https" = "http"): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the server has no TCP port");
  return `${scheme}://127.0.0.1:${address.port}`;
}
