// What the HTTP transports share: a request and its answer, over HTTP/1 and HTTP/2 alike. Knows no protocol above HTTP.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { AuthError } from "../core/errors.ts";
import { errorHeaders, toRest } from "./errors.ts";

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

/** Answers a request. It rejects only by a bug, of which its caller makes a closed connection and a line in the log. */
export type HttpHandler = (request: HttpRequest, response: HttpResponse) => Promise<void>;

/** A header in the spelling that HTTP/1 is to show. */
export type HeaderField = readonly [name: string, value: string];

/**
 * Calls back once, when a request's caller has gone before its answer was sent, and after it at the latest. Over HTTP/1 a
 * caller that has only ended its side cannot be told from one that is gone: it is given up, and gets what answer there is.
 */
export function onGone({ socket }: HttpRequest, response: HttpResponse, gone: () => void): void {
  if ("stream" in response) {
    response.once("close", gone);
    return;
  }
  const tell = (): void => {
    socket.off("end", tell);
    response.off("close", tell);
    gone();
  };
  socket.once("end", tell);
  response.once("close", tell);
}

/** The path of a request, without its query. */
export function pathOf({ url = "/" }: HttpRequest): string {
  // RFC 9112, 3.2.2: a target in absolute form is accepted; whose it is decides nothing here.
  const target = url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?]*/i, "");
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}

/** A request's headers as the Fetch standard has them; HTTP/2's pseudo-headers are left out. */
export function fetchHeaders(request: HttpRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === "string" && !name.startsWith(":")) headers.set(name, value);
  }
  return headers;
}

/** Sends an answer whole, with its length: old clients cannot read a chunked one. */
export function send(
  response: HttpResponse,
  status: number,
  headers: Iterable<HeaderField>,
  body: string | Uint8Array,
): void {
  if (response.headersSent || response.destroyed) return;
  const length = String(typeof body === "string" ? Buffer.byteLength(body) : body.length);
  if ("stream" in response) {
    for (const [name, value] of headers) response.setHeader(name, value);
    response.setHeader("Content-Length", length);
    response.writeHead(status);
  } else {
    const fields = ["Content-Length", length];
    for (const [name, value] of headers) fields.push(name, value);
    response.writeHead(status, fields);
  }
  response.end(body);
}

/** Sends headers that end the answer themselves, over HTTP/2: what gRPC calls trailers-only. */
export function sendHeaders(response: HttpResponse, status: number, headers: Iterable<HeaderField>): void {
  if (response.headersSent || response.destroyed) return;
  for (const [name, value] of headers) response.setHeader(name, value);
  response.statusCode = status;
  response.end();
}

/** Sends a JSON body, which is not to be kept. */
export function sendJson(response: HttpResponse, status: number, body: string, headers: Iterable<HeaderField>): void {
  const fields: HeaderField[] = [
    ["Content-Type", "application/json"],
    ["Cache-Control", "no-store"],
  ];
  for (const field of headers) fields.push(field);
  send(response, status, fields, body);
}

/** Sends a refusal as REST has it, whatever the transport: its body is a Connect error too. */
export function sendRefusal(
  response: HttpResponse,
  refusal: AuthError,
  headers: Iterable<HeaderField>,
  status?: number,
): void {
  const answer = toRest(refusal);
  sendJson(response, status ?? answer.status, answer.body, [...errorHeaders(refusal), ...headers]);
}
