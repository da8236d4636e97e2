// HTTP/1.1 requests with options that fetch lacks: agent, source address, CA.

import { type IncomingMessage, request as requestHttp } from "node:http";
import { type RequestOptions, request as requestHttps } from "node:https";
import { text } from "node:stream/consumers";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headersDistinct"];
  readonly body: string;
}

/** Sends a request. Rejects when the connection ends without a whole answer. */
export function ask(url: string | URL, options: RequestOptions, body = ""): Promise<HttpAnswer> {
  const request = new URL(url).protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const { statusCode: status = 0, headersDistinct: headers } = response;
      text(response).then((received) => resolve({ status, headers, body: received }), reject);
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

/** Posts JSON with a Content-Length. */
export function postJson(url: string | URL, value: object, options: RequestOptions = {}): Promise<HttpAnswer> {
  const body = JSON.stringify(value);
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), ...options.headers };
  return ask(url, { method: "POST", ...options, headers }, body);
}
