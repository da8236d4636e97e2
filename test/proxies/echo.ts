// A service behind a proxy that answers with the request it received, and requests to that proxy.

import { once } from "node:events";
import { type Agent, createServer, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { text } from "node:stream/consumers";

export interface EchoService {
  readonly host: string;
  close(): Promise<void>;
}

/** A request as the service received it. */
export interface Echo {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

/** Starts the service. It answers the path /broken with 500. */
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
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  return {
    host: `127.0.0.1:${address.port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

export interface ProxyAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headersDistinct"];
  readonly body: string;
}

export interface RequestOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly method?: string;
  /** Sent as it is, with `..` in it too. */
  readonly path?: string;
  readonly body?: string;
  readonly agent?: Agent;
}

/** Sends a request. Rejects when the connection ends without an answer. */
export function send(
  url: string,
  { headers = {}, method = "GET", path = "/things", body, agent }: RequestOptions = {},
): Promise<ProxyAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { path, method, headers, ...(agent && { agent }) }, (response) => {
      text(response).then((received) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headersDistinct, body: received });
      }, reject);
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

/** The request that reached the service. @throws Error when none did */
export function echoOf({ status, body }: ProxyAnswer): Echo {
  if (status !== 200) throw new Error(`the service was not reached: ${status} ${body}`);
  return JSON.parse(body);
}
