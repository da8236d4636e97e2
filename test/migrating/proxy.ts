// The proxy that boards reach by the name they have always called: it sends a share of their addresses to the new server, as the
// page's nginx does.

import { createHash } from "node:crypto";
import { createServer, request as send } from "node:http";
import { onTestFinished } from "vitest";
import { listenOnLoopback } from "../free-port.ts";

export interface Proxy {
  readonly port: number;
  /** Whom a connection is from, by its port: in a test all boards are on one machine. */
  readonly addresses: Map<number, string>;
  /** From 0 to 1: how many of the addresses go to the new server. */
  share: number;
}

/** Starts it for the test that calls, with a share of 0. Either server is on the loopback. */
export async function startProxy(oldPort: number, newPort: number): Promise<Proxy> {
  const server = createServer((request, response) => {
    const address = proxy.addresses.get(request.socket.remotePort ?? 0);
    if (address === undefined) throw new TypeError("a board says its address before it sends");
    const port = shareOf(address) < proxy.share ? newPort : oldPort;
    const { host: _, ...headers } = request.headers;
    const onward = send({
      port,
      method: request.method,
      path: request.url,
      headers: { ...headers, "X-Forwarded-For": address, Connection: "close" },
    });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const proxy: Proxy = { port, addresses: new Map(), share: 0 };
  return proxy;
}

/** Where among all addresses it is: at least 0 and less than 1, the same each time. */
function shareOf(address: string): number {
  return createHash("sha256").update(address).digest().readUInt32BE() / 2 ** 32;
}
