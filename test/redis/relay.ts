// A TCP relay that can lose packets, delay answers or refuse connections.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { listenOnLoopback } from "../free-port.ts";

export async function startRelay(target: number) {
  const open = new Set<Socket>();
  const swallowed = new WeakSet<Socket>();
  let swallowsNew = false;
  let isRefusing = false;
  let delayMs = 0;

  function forward(from: Socket, to: Socket, delay: () => number): void {
    open.add(from);
    if (swallowsNew) swallowed.add(from);
    from.on("data", (chunk) => {
      if (swallowed.has(from)) return;
      if (delay() === 0) to.write(chunk);
      else setTimeout(() => to.destroyed || to.write(chunk), delay());
    });
    from.on("error", () => {});
    from.on("close", () => {
      // The end of a dropped connection is not passed on either.
      if (!swallowed.has(from)) to.destroy();
      open.delete(from);
    });
  }

  const server = createServer((near) => {
    if (isRefusing) {
      near.destroy();
      return;
    }
    const far = connect(target, "127.0.0.1");
    forward(near, far, () => 0);
    forward(far, near, () => delayMs);
  });
  const port = await listenOnLoopback(server);

  /** Closes the present connections at both ends. */
  function cut(): void {
    for (const socket of open) socket.destroy();
  }

  return {
    port,
    /** Drops all bytes of the present connections in both directions. */
    swallow({ newConnections }: { readonly newConnections: "works" | "swallowed" }): void {
      swallowsNew = newConnections === "swallowed";
      for (const socket of open) swallowed.add(socket);
    },
    cut,
    /** Also closes new connections at once, until it is called with false. */
    refuse(refusing: boolean): void {
      isRefusing = refusing;
    },
    /** Delays the server's bytes from now on. */
    delay(ms: number): void {
      delayMs = ms;
    },
    async stop(): Promise<void> {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
