// The service behind a proxy, for tests: it believes the proxy, and answers with what it was sent. Knows no proxy.

import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

export interface EchoService {
  readonly host: string;
  close(): Promise<void>;
}

/** A request as the service got it: each header with all of its values. */
export interface Echo {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

/** Starts it; the path /broken is answered with 500. */
export async function startEchoService(): Promise<EchoService> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const headers = request.headersDistinct;
      response.writeHead(request.url === "/broken" ? 500 : 200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ method: request.method, path: request.url, headers, body }));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("it listens on a port");
  return {
    host: `127.0.0.1:${address.port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
