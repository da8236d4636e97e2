// A service that stands behind a proxy and answers with the request it received, and a client that sends requests to the proxy.

import { once } from "node:events";
import { type Agent, createServer, type OutgoingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import { ask, type HttpAnswer } from "../ask.ts";
import { listenOnLoopback } from "../free-port.ts";

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
  });
  return {
    host: `127.0.0.1:${await listenOnLoopback(server)}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

export interface ProxyRequest {
  readonly headers?: OutgoingHttpHeaders;
  readonly method?: string;
  /** Sent unchanged, also with `..`. */
  readonly path?: string;
  readonly body?: string;
  readonly agent?: Agent;
}

/** Sends a request to a proxy. Rejects when the connection ends without an answer. */
export function send(url: string, { path = "/things", body, ...options }: ProxyRequest = {}): Promise<HttpAnswer> {
  return ask(url, { path, ...options }, body);
}

/** The request that reached the service. @throws Error when none did */
export function echoOf({ status, body }: HttpAnswer): Echo {
  if (status !== 200) throw new Error(`the service was not reached: ${status} ${body}`);
  return JSON.parse(body);
}

const between = ["-", "_", "."].flatMap((one) => ["-", "_", "."].map((other) => [one, other] as const));

/** Spellings of the identity headers that a service may take for the same name. */
export const IDENTITY_NAMES: readonly string[] = between.flatMap(([a, b]) => [
  `X${a}Device${b}Key`,
  `X${a}Customer${b}Id`,
  `x${a}device${b}key`,
]);

/** Headers of requests that a proxy has to refuse. In none is a valid token the only value of x-access-token. */
export function withoutToken(token: string): Readonly<Record<string, OutgoingHttpHeaders>> {
  return {
    "no token": {},
    "no token, but an identity": { "X-Device-Key": "pump-7" },
    "a token in Authorization, which the service does not read": { authorization: `Bearer ${token}` },
    "a token in x_access_token": { x_access_token: token },
    "two tokens": { "x-access-token": [token, "other"] },
  };
}
