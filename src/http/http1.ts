// HTTP/1 exchanges of Node's server, and answers to unparsable requests.

import { type IncomingMessage, type Server, type ServerOptions, type ServerResponse, STATUS_CODES } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AuthError, malformed } from "../core/errors.ts";
import type { Answer, HeaderField } from "../protocols/exchange.ts";
import { restError } from "../protocols/rest.ts";
import { type Connection, HttpExchange, isStreamed, type ServeOptions } from "./connection.ts";

export const HTTP1_OPTIONS: ServerOptions = {
  // HTTP/1.0 has no Host, and Node's own answer to that is chunked.
  requireHostHeader: false,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
};

/** A client that sends more requests than this without reading the answers is cut off. */
const MAX_PIPELINED = 64;
/** Seconds after which an idle connection is closed, a little after Node's own timeout. */
const MAX_IDLE_TICKS = 70;
/** Seconds for which a client may send only blank lines, which Node's timers miss. */
const MAX_BLANK_TICKS = 10;
/** Seconds for which a client may read nothing of an answer. */
const MAX_STALLED_TICKS = 20;

/**
 * Serves the requests of a server, and answers broken requests: Node's own answers are empty or chunked.
 * @returns a function that makes the Connection of an accepted socket
 */
export function serveHttp1(server: Server, options: ServeOptions): (socket: Duplex) => Connection {
  const { serve, guard, always } = options;
  const connections = new WeakMap<Duplex, Http1Connection>();
  const connectionOf = (socket: Duplex): Http1Connection => {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const connection = new Http1Connection(socket, always);
    connections.set(socket, connection);
    return connection;
  };
  const receive = (request: IncomingMessage, response: ServerResponse): void =>
    guard(request.socket, () => {
      const exchange = connectionOf(request.socket).accept(request, response);
      const mistake = findMistake(request);
      if (mistake !== undefined) exchange?.fail(mistake.status, malformed(mistake.message));
      else if (exchange !== undefined) serve(exchange);
    });
  server.on("request", receive).on("checkExpectation", receive);
  server.on("connect", (_request, socket) => {
    const error = new AuthError("method_not_allowed", "this is not a proxy", { allow: ["GET", "POST"] });
    guard(socket, () => connectionOf(socket).fail(405, error));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const { status, message } = CLIENT_ERRORS[error.code ?? ""] ?? NOT_HTTP;
    guard(socket, () => connectionOf(socket).fail(status, malformed(message)));
  });
  return connectionOf;
}

const NOT_HTTP = {
  status: 400,
  message: "this is not a request of HTTP 1.0 or 1.1, or one of its headers or chunks is malformed",
};
const CLIENT_ERRORS: Readonly<Record<string, { status: number; message: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: "the headers are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: "the request took too long to arrive" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: "the chunk extensions are too large" },
};

/** Finds mistakes that Node's parser accepts: other versions, several Hosts, codings before `chunked` (RFC 9112, 6.1). */
function findMistake({ httpVersion, headers, rawHeaders }: IncomingMessage): typeof NOT_HTTP | undefined {
  const { expect, "transfer-encoding": coding } = headers;
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.length === 4 && name.toLowerCase() === "host");
  if ((httpVersion !== "1.1" && httpVersion !== "1.0") || hosts.length > 1) {
    return { status: 400, message: "this is not a request of HTTP 1.0 or 1.1 with at most one Host" };
  }
  if (coding !== undefined && coding.toLowerCase() !== "chunked") {
    return { status: 400, message: "the Transfer-Encoding is not just chunked. Send the body as it is" };
  }
  if (expect === undefined || /\b100-continue\b/i.test(expect)) return undefined;
  return { status: 417, message: "the Expect header is not supported. Leave it out" };
}

/** One connection: its pending answers, and the time without progress. */
class Http1Connection implements Connection {
  readonly #socket: Duplex;
  readonly #always: readonly HeaderField[];
  #latest: Http1Exchange | undefined;
  #unanswered = 0;
  #onAnswered: (() => void) | undefined;
  #unread = 0;
  /** Bytes that had arrived with the last answer. */
  #bytesRead = 0;
  #ticks = 0;
  #blankTicks = 0;
  #isDraining = false;

  constructor(socket: Duplex, always: readonly HeaderField[]) {
    this.#socket = socket;
    this.#always = always;
  }

  accept(request: IncomingMessage, response: ServerResponse): Http1Exchange | undefined {
    // A streaming call is the last of its connection.
    if (++this.#unanswered > MAX_PIPELINED || this.#latest?.isStreaming === true) {
      this.#socket.destroy();
      return undefined;
    }
    const isLast = (): boolean => this.#isDraining && this.#latest === exchange;
    const exchange = new Http1Exchange(request, response, this.#always, isLast);
    this.#latest = exchange;
    this.#ticks = 0;
    response.once("close", () => {
      this.#ticks = 0;
      this.#bytesRead = bytesReadOf(this.#socket);
      if (!exchange.isComplete) exchange.failBody();
      if (--this.#unanswered === 0) this.#onAnswered?.();
    });
    return exchange;
  }

  /** Answers bytes that are not a request, after the answers to earlier requests, and closes the connection. */
  fail(status: number, error: AuthError): void {
    const latest = this.#latest;
    if (latest !== undefined && (latest.isStreaming || !latest.isComplete)) latest.fail(status, error);
    else if (this.#unanswered === 0) answerRaw(this.#socket, this.#always, status, error);
    else this.#onAnswered = () => answerRaw(this.#socket, this.#always, status, error);
  }

  drain(): void {
    this.#isDraining = true;
  }

  tick(): void {
    const { writableLength } = this.#socket;
    const isIdle = this.#unanswered === 0;
    // A slow handler and an idle streaming call are not stalled. Node itself times requests out.
    const hasProgress = isIdle ? false : writableLength === 0 || writableLength !== this.#unread;
    this.#unread = writableLength;
    this.#ticks = hasProgress ? 0 : this.#ticks + 1;
    this.#blankTicks = isIdle && bytesReadOf(this.#socket) > this.#bytesRead ? this.#blankTicks + 1 : 0;
    const isStalled = this.#ticks > (isIdle ? MAX_IDLE_TICKS : MAX_STALLED_TICKS);
    if (isStalled || this.#blankTicks > MAX_BLANK_TICKS) this.#socket.destroy();
  }
}

function bytesReadOf(socket: Duplex): number {
  return socket instanceof Socket ? socket.bytesRead : 0;
}

/** Answers on a connection whose request has no ServerResponse, and closes it. */
function answerRaw(socket: Duplex, always: readonly HeaderField[], status: number, error: AuthError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { headers, body } = restError(error);
  const fields = [...headers, ...always, ["Content-Length", String(Buffer.byteLength(body))], ["Connection", "close"]];
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...fields.map((field) => field.join(": "))];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

/** One request on an HTTP/1 connection. */
class Http1Exchange extends HttpExchange {
  readonly version = 1;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #isLast: () => boolean;
  /** Replaces the handler's status once the HTTP of the request is broken. */
  #failStatus: number | undefined;

  /** @param isLast whether the connection ends with this answer */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    always: readonly HeaderField[],
    isLast: () => boolean,
  ) {
    const { method = "", url = "/", headers, rawHeaders, socket } = request;
    super(request, { method, target: url, headers, rawHeaders, remoteAddress: socket.remoteAddress ?? "", always });
    this.#request = request;
    this.#response = response;
    this.#isLast = isLast;
    response.on("error", () => response.destroy());
  }

  /** Whether the request has arrived completely. */
  get isComplete(): boolean {
    return this.#request.complete;
  }

  /** Answers a broken request, unless it is already answered, and closes its connection. */
  fail(status: number, error: AuthError): void {
    const { socket } = this.#request;
    if (this.#response.headersSent) {
      socket.destroy();
      return;
    }
    this.#failStatus = status;
    this.#response.once("close", () => socket.destroy());
    // A handler that reads the body answers in its protocol's form.
    if (!this.isRead) this.send(restError(error));
    else this.failBody(error);
  }

  send({ status, headers, body }: Answer): void {
    const response = this.#response;
    if (response.headersSent || response.destroyed) return;
    const fields: string[] = [];
    // Old clients cannot read a chunked body. A 304 has none (RFC 9110, 15.4.5).
    if (!isStreamed(body) && status !== 304) fields.push("Content-Length", String(Buffer.byteLength(body)));
    for (const [name, value] of headers) fields.push(name, value);
    for (const [name, value] of this.always) fields.push(name, value);
    if (isStreamed(body) || this.#failStatus !== undefined || this.#isLast()) fields.push("Connection", "close");
    response.writeHead(this.#failStatus ?? status, fields);
    if (!isStreamed(body)) {
      response.end(body);
      return;
    }
    // A caller that ends its side is gone. Without this listener only its next message would show it.
    this.#request.socket.once("end", () => response.destroy());
    pipeline(body, response).catch(() => {});
  }

  onClose(listener: () => void): void {
    if (this.#response.destroyed) listener();
    else this.#response.once("close", listener);
  }

  abort(): void {
    this.#response.destroy();
  }
}
