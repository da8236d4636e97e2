// Ports of loopback.

import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** Makes a server listen on a free port of loopback. @returns the port */
export async function listenOnLoopback(server: Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the server has no TCP port");
  return address.port;
}

/** Systems give ports above these to connections, and to servers that ask for port 0. */
const [FIRST_PORT, END_OF_PORTS] = [10_000, 32_000];

/** Ports that this process has already given, which may not be in use yet. */
const given = new Set<number>();

/** A port that is free now, and that no connection takes before it is used. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, END_OF_PORTS);
    if (given.has(port)) continue;
    given.add(port);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
