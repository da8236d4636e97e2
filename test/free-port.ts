// Ports of loopback.

import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** Has a server listen on a free port of loopback. @returns the port */
export async function listenOnLoopback(server: Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  return address.port;
}

/** A port that is free now; another program may take it before it is used. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnLoopback(server);
  server.close();
  await once(server, "close");
  return port;
}
