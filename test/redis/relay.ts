// A TCP relay to a server on loopback that can lose packets without a word, as a network does.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Relay {
  readonly port: number;
  /** How many connections were made so far. */
  readonly connections: () => number;
  /** Nothing passes on the present connections from now on, either way; new ones work or are swallowed as well. */
  swallow(options: { readonly new: "works" | "swallowed" }): void;
  /** Closes the present connections, at both ends. */
  cut(): void;
  stop(): Promise<void>;
}

interface Pair {
  readonly sockets: readonly [Socket, Socket];
  swallowed: boolean;
}

export async function startRelay(target: number): Promise<Relay> {
  const pairs = new Set<Pair>();
  let swallowsNew = false;
  let count = 0;
  const server = createServer((near) => {
    count++;
    const far = connect(target, "127.0.0.1");
    const pair: Pair = { sockets: [near, far], swallowed: swallowsNew };
    pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (chunk) => {
        if (!pair.swallowed) to.write(chunk);
      });
      from.on("error", () => {});
      // A swallowed end is not told either.
      from.on("close", () => {
        if (pair.swallowed) return;
        to.destroy();
        pairs.delete(pair);
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");

  function cut(): void {
    for (const pair of pairs) for (const socket of pair.sockets) socket.destroy();
    pairs.clear();
  }

  return {
    port: address.port,
    connections: () => count,
    swallow(options) {
      swallowsNew = options.new === "swallowed";
      for (const pair of pairs) pair.swallowed = true;
    },
    cut,
    async stop() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
