// What the HTTP transports share: a request and its answer, over HTTP/1 and HTTP/2 alike. Knows no protocol above HTTP.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { errorHeaders, type Refusal, toRest } from "./errors.ts";
import { HeaderList } from "./header-list.ts";

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

/** Answers a request. It rejects only by a bug, of which its caller makes a closed connection and a line in the log. */
export type HttpHandler = (request: HttpRequest, response: HttpResponse) => Promise<void>;

/** A header in the spelling that HTTP/1 is to show. */
export type HeaderField = readonly [name: string, value: string];

/**
 * Whether a stream takes no more frames: Node throws on a write to it. A reset with NO_ERROR closes a stream and does not
 * destroy it.
 */
export function isOver({ closed, destroyed }: ServerHttp2Stream): boolean {
  return closed || destroyed;
}

/**
 * Calls back once: when a request's caller has gone before its answer was sent, at once when that was before, and after the answer at the latest. Over HTTP/1 a
 * caller that has only ended its side cannot be told from one that is gone: it is given up, and gets what answer there is.
 */
export function onGone({ socket }: HttpRequest, response: HttpResponse, gone: () => void): void {
  if (response.destroyed || (!("stream" in response) && socket.readableEnded)) {
    gone();
    return;
  }
  if ("stream" in response) {
    response.once("close", gone);
    return;
  }
  const waiting = waitingAt(socket);
  const tell = (): void => {
    waiting.delete(tell);
    response.off("close", tell);
    gone();
  };
  waiting.add(tell);
  response.once("close", tell);
}

const waitingBySocket = new WeakMap<Socket, Set<() => void>>();

/** Who waits for the end of a socket: one listener for all the requests that may be under way on it. */
function waitingAt(socket: Socket): Set<() => void> {
  const known = waitingBySocket.get(socket);
  if (known !== undefined) return known;
  const waiting = new Set<() => void>();
  waitingBySocket.set(socket, waiting);
  socket.once("end", () => {
    for (const tell of waiting) tell();
  });
  return waiting;
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
    for (const [name, value] of headers) response.appendHeader(name, value);
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

/** Sends a JSON body, which is not to be kept unless the headers say otherwise. */
export function sendJson(
  response: HttpResponse,
  status: number,
  body: string | Uint8Array,
  headers: HeaderList = new HeaderList(),
): void {
  if (!headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
  send(response, status, headers, body);
}

/** Sends a refusal as REST has it, whatever the transport: its body is a Connect error too. */
export function sendRefusal(
  response: HttpResponse,
  refusal: Refusal,
  headers: Iterable<HeaderField> = [],
  status?: number,
): void {
  const answer = toRest(refusal);
  const fields = new HeaderList();
  for (const [name, value] of headers) fields.append(name, value);
  for (const [name, value] of errorHeaders(refusal)) fields.set(name, value);
  sendJson(response, status ?? answer.status, answer.body, fields);
}
