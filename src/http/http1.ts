// HTTP/1: exchanges of Node's server, and answers to what it cannot parse.

import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { type Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AuthError, malformed } from "../core/errors.ts";
import { type Answer, type Exchange, RequestAborted, type StreamedAnswer } from "../protocols/exchange.ts";
import { restError } from "../protocols/rest.ts";
import { type BodyRead, readBody } from "./body.ts";

/** Answers one exchange. It never throws. */
export type Serve = (exchange: Exchange) => void;

/** A client that sends more requests than this without reading the answers is cut off. */
const MAX_PIPELINED = 64;

export const HTTP1_OPTIONS: ServerOptions = {
  // HTTP/1.0 has no Host, and Node's own answer to that is chunked.
  requireHostHeader: false,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
};

/** What one connection owes. */
interface Connection {
  unanswered: number;
  latest?: Http1Exchange;
  onAnswered?: () => void;
}

/** Serves the requests of a server, and answers in our form what Node would answer bare or chunked. */
export function serveHttp1(server: Server, serve: Serve): void {
  const connections = new WeakMap<Duplex, Connection>();
  const connectionOf = (socket: Duplex): Connection => {
    const connection = connections.get(socket) ?? { unanswered: 0 };
    connections.set(socket, connection);
    return connection;
  };
  const whenAnswered = (connection: Connection, answer: () => void): void => {
    if (connection.unanswered === 0) answer();
    else connection.onAnswered = answer;
  };
  const accept = (request: IncomingMessage, response: ServerResponse): Http1Exchange | undefined => {
    const connection = connectionOf(request.socket);
    if (++connection.unanswered > MAX_PIPELINED) {
      request.socket.destroy();
      return undefined;
    }
    const exchange = new Http1Exchange(request, response);
    connection.latest = exchange;
    response.once("close", () => {
      exchange.close();
      if (--connection.unanswered === 0) connection.onAnswered?.();
    });
    return exchange;
  };

  server.on("request", (request, response) => {
    const exchange = accept(request, response);
    if (exchange !== undefined) serve(exchange);
  });
  server.on("checkExpectation", (request, response) => {
    accept(request, response)?.fail(417, malformed("the Expect header asks for what is not served. Leave it out"));
  });
  server.on("connect", (_request, socket) => {
    const error = new AuthError("method_not_allowed", "this is no proxy", { allow: ["GET", "POST"] });
    whenAnswered(connectionOf(socket), () => answerRaw(socket, 405, error));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const { status, message } = CLIENT_ERRORS[error.code ?? ""] ?? NOT_HTTP;
    const connection = connectionOf(socket);
    const { latest } = connection;
    // Answers to earlier requests on the connection go first.
    if (latest !== undefined && !latest.isComplete) latest.fail(status, malformed(message));
    else whenAnswered(connection, () => answerRaw(socket, status, malformed(message)));
  });
}

const NOT_HTTP = { status: 400, message: "this is not a request of HTTP 1.0 or 1.1" };
const CLIENT_ERRORS: Readonly<Record<string, { status: number; message: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: "the headers are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: "the request took too long to arrive" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: "the chunk extensions are too large" },
};

/** Answers on a connection whose request has no ServerResponse, and closes it. */
function answerRaw(socket: Duplex, status: number, error: AuthError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { headers, body } = restError(error);
  const fields = [...headers, ["Content-Length", String(Buffer.byteLength(body))], ["Connection", "close"]];
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...fields.map((field) => field.join(": "))];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

/** One request on an HTTP/1 connection. */
class Http1Exchange implements Exchange {
  readonly version = 1;
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #body: BodyRead | undefined;
  /** In place of an answer's own status, once the request has failed as HTTP. */
  #failStatus: number | undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.method = request.method ?? "";
    this.target = request.url ?? "/";
    this.headers = request.headers;
    this.remoteAddress = request.socket.remoteAddress ?? "";
    response.on("error", () => response.destroy());
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }

  /** Whether all of the request has arrived. */
  get isComplete(): boolean {
    return this.#request.complete;
  }

  readBody(limit: number, size?: (head: Buffer) => number | undefined): Promise<Buffer> {
    this.#body = readBody(this.#request, limit, size, () => this.#request.destroy());
    return this.#body.bytes;
  }

  chunks(): AsyncIterable<Uint8Array> {
    return this.#request;
  }

  /** Answers a request that is broken, where it has no answer yet, and closes its connection. */
  fail(status: number, error: AuthError): void {
    const { socket } = this.#request;
    if (this.#response.writableEnded) {
      socket.destroy();
      return;
    }
    this.#failStatus = status;
    this.#response.once("close", () => socket.destroy());
    // A handler that reads the body answers in its protocol's form.
    if (this.#body === undefined) this.send(restError(error));
    else this.#body.fail(error);
  }

  /** The answer was sent, or the connection has closed. */
  close(): void {
    if (!this.isComplete) this.#body?.fail(new RequestAborted("the connection closed"));
  }

  send({ status, headers, body }: Answer): void {
    const response = this.#response;
    if (response.headersSent || response.destroyed) return;
    const fields: string[] = [];
    // Old clients cannot read a chunked body. A 304 has none (RFC 9110, 15.4.5).
    if (status !== 304) fields.push("Content-Length", String(Buffer.byteLength(body)));
    for (const [name, value] of headers) fields.push(name, value);
    if (this.#failStatus !== undefined) fields.push("Connection", "close");
    response.writeHead(this.#failStatus ?? status, fields);
    response.end(body);
  }

  async sendStream({ status, headers, body }: StreamedAnswer): Promise<void> {
    const response = this.#response;
    if (response.headersSent || response.destroyed) return;
    const fields = [...headers].flat();
    response.writeHead(status, [...fields, "Connection", "close"]);
    // A caller that ends its side is gone: nothing else would tell before the next message.
    this.#request.socket.once("end", () => response.destroy());
    await pipeline(Readable.from(body), response).catch(() => {});
  }

  onClose(listener: () => void): void {
    if (this.#response.destroyed) listener();
    else this.#response.once("close", listener);
  }

  abort(): void {
    this.#response.destroy();
  }
}
