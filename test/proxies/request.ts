// A request as a device, or a stranger, sends it to a proxy: any header, as often as it likes. Knows no proxy.

import { type Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { text } from "node:stream/consumers";
import type { Echo } from "./echo-service.ts";

export interface ProxyAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headersDistinct"];
  readonly body: string;
}

export interface RequestOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly method?: string;
  /** As it is sent: nothing is resolved. */
  readonly path?: string;
  readonly body?: string;
  readonly agent?: Agent;
}

/** Sends a request. Rejects where there is no answer at all. */
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

/** What the service behind was sent; throws where the request did not come that far. */
export function echoOf({ status, body }: ProxyAnswer): Echo {
  if (status !== 200) throw new Error(`the service was not reached: ${status} ${body}`);
  return JSON.parse(body);
}
