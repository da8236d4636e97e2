// A TCP relay to a server on loopback that can lose packets, delay answers or refuse connections.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { listenOnLoopback } from "../free-port.ts";

export interface Relay {
  readonly port: number;
  /** Drops all bytes of the present connections in both directions. `new`: what happens to new connections. */
  swallow(options: { readonly new: "works" | "swallowed" }): void;
  /** Closes the present connections at both ends. */
  cut(): void;
  /** Also closes new connections at once, until it is called with false. */
  refuse(isRefusing: boolean): void;
  /** Delays the server's bytes from now on, in milliseconds. */
  delay(ms: number): void;
  stop(): Promise<void>;
}

interface Pair {
  readonly sockets: readonly [Socket, Socket];
  swallowed: boolean;
}

export async function startRelay(target: number): Promise<Relay> {
  const pairs = new Set<Pair>();
  let swallowsNew = false;
  let isRefusing = false;
  let delayMs = 0;
  const server = createServer((near) => {
    if (isRefusing) {
      near.destroy();
      return;
    }
    const far = connect(target, "127.0.0.1");
    const pair: Pair = { sockets: [near, far], swallowed: swallowsNew };
    pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (chunk) => {
        if (pair.swallowed) return;
        if (from === near || delayMs === 0) to.write(chunk);
        else setTimeout(() => to.destroyed || to.write(chunk), delayMs);
      });
      from.on("error", () => {});
      // The end of a dropped connection is not passed on either.
      from.on("close", () => {
        if (pair.swallowed) return;
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  const port = await listenOnLoopback(server);

  function cut(): void {
    for (const pair of pairs) for (const socket of pair.sockets) socket.destroy();
    pairs.clear();
  }

  return {
    port,
    swallow(options) {
      swallowsNew = options.new === "swallowed";
      for (const pair of pairs) pair.swallowed = true;
    },
    cut,
    refuse(refusing) {
      isRefusing = refusing;
    },
    delay(ms) {
      delayMs = ms;
    },
    async stop() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
