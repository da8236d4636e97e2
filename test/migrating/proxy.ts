// The proxy under the boards' host name. It sends a share of their addresses to the new server, as the nginx of docs/migrating.md does.

import { createHash } from "node:crypto";
import { createServer, request as send } from "node:http";
import { onTestFinished } from "vitest";
import { listenOnLoopback } from "../free-port.ts";

export interface Proxy {
  readonly port: number;
  /** The board's address by the port of its connection: in a test all boards are on one machine. */
  readonly addresses: Map<number, string>;
  /** The share of addresses that go to the new server, from 0 to 1. */
  share: number;
}

/** Starts the proxy for the calling test, with a share of 0. Both servers are on loopback. */
export async function startProxy(oldPort: number, newPort: number): Promise<Proxy> {
  const server = createServer((request, response) => {
    const address = proxy.addresses.get(request.socket.remotePort ?? 0);
    if (address === undefined) throw new TypeError("no board has this connection");
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

/** Maps an address to a fixed number from 0 to below 1. */
function shareOf(address: string): number {
  return createHash("sha256").update(address).digest().readUInt32BE() / 2 ** 32;
}
