// A listener: one port for HTTP/1.0, HTTP/1.1 and HTTP/2, in the clear or by TLS, told apart by their first bytes. Knows no
// protocol above.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer, Server as SecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { AuthError } from "../core/errors.ts";
import { errorHeaders, toRest } from "./errors.ts";
import { type HttpHandler, sendRefusal } from "./http.ts";
import { readTlsOptions, reloadTls, type TlsFiles } from "./tls.ts";

/** How a connection that opens with the HTTP/2 preface is served. */
export interface Http2Side {
  readonly accept: (socket: Socket) => void;
  /** Lets streams finish for at most `graceMs`, then ends every session. */
  readonly close: (graceMs: number) => Promise<void>;
}

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly handle: HttpHandler;
  readonly http2: Http2Side;
  /** Absent: in the clear. */
  readonly tls?: TlsFiles;
  /** Hears of certificate files that cannot be taken. */
  readonly onFault: (error: unknown) => void;
}

export interface Listener {
  /** Where it listens, as an origin. */
  readonly url: string;
  /** Stops accepting, lets requests finish for at most `graceMs`, then ends what is left. */
  readonly close: (graceMs: number) => Promise<void>;
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** How long a connection may say nothing before it is known what it speaks, in milliseconds. */
const FIRST_BYTES_TIMEOUT_MS = 10_000;
const IDLE_SWEEP_MS = 50;
const STALLED_MS = 75_000;

const HTTP1 = {
  // HTTP/1.0 has no Host, and what is in it decides nothing here.
  requireHostHeader: false,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
};

/** Listens. @throws the system's error (EADDRINUSE, EACCES …) when it cannot */
export async function listen({ host, port, handle, http2, tls, onFault }: ListenerOptions): Promise<Listener> {
  const server = tls === undefined ? createServer(HTTP1) : createSecureServer({ ...HTTP1, ...readTlsOptions(tls) });
  const stopReloading =
    tls !== undefined && server instanceof SecureServer ? reloadTls(server, tls, onFault) : (): void => {};
  // Node's own switch, without a type: a client that ends its side once it has asked still gets its answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  // Whoever asks and never reads the answers: longer than an idle connection is kept.
  server.setTimeout(STALLED_MS, (socket) => socket.destroy());
  server.on("request", handle);
  answerWhatNodeWould(server);

  // The server itself listens, since only then does Node watch over slow clients; what it accepts is looked at first.
  const accepted = tls === undefined ? "connection" : "secureConnection";
  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();
  const serveHttp1 = server.listeners(accepted);
  server.removeAllListeners(accepted);
  server.on(accepted, (socket: Socket) => {
    // Asked once while it is known: limits count by it, and a request may be looked at after its connection has gone.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    undecided.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      undecided.delete(socket);
    });
    socket.on("error", () => socket.destroy());
    sniff(socket, (isHttp2) => {
      undecided.delete(socket);
      if (isHttp2) http2.accept(socket);
      else for (const listener of serveHttp1) Reflect.apply(listener, server, [socket]);
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });

  return {
    url: originOf(tls === undefined ? "http" : "https", server.address()),
    async close(graceMs) {
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      // Node closes what is idle now, and would keep alive for long what is busy now and idle then.
      const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      for (const socket of undecided) socket.destroy();
      await Promise.all([closed, http2.close(graceMs)]);
      clearTimeout(timer);
      clearInterval(sweep);
      stopReloading();
    },
  };
}

function originOf(scheme: string, address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string") throw new TypeError("a TCP listener has an address");
  return `${scheme}://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}

/** Waits for enough bytes to tell, and puts them back once it is decided. */
function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), FIRST_BYTES_TIMEOUT_MS);
  const look = (): void => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const matches = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (matches && length < PREFACE.length) return;
    done();
    socket.unshift(seen);
    decide(matches);
  };
  // Whoever ends without a word, like a balancer that looks whether the port is open, waits for nothing.
  const giveUp = (): void => {
    socket.destroy();
  };
  const done = (): void => {
    clearTimeout(timer);
    socket.off("readable", look);
    socket.off("end", giveUp);
    socket.off("close", done);
  };
  socket.on("readable", look);
  socket.on("end", giveUp);
  socket.on("close", done);
}

/** Node answers some requests by itself, without a length or a body: those are answered here, in the form of all others. */
function answerWhatNodeWould(server: Server): void {
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    sendRefusal(
      response,
      new AuthError("malformed", "the Expect header asks for what is not served. Leave it out"),
      [["Connection", "close"]],
      417,
    );
  });
  server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
    answerRaw(socket, 405, new AuthError("method_not_allowed", "this is no proxy", { allow: ["GET", "POST"] }));
  });
  // Nobody to answer: the two never came to speak the same language.
  server.removeAllListeners("tlsClientError");
  server.on("tlsClientError", (_error: Error, socket: Duplex) => socket.destroy());
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const { status, message } = CLIENT_ERRORS[error.code ?? ""] ?? NOT_HTTP;
    answerRaw(socket, status, new AuthError("malformed", message));
  });
}

const NOT_HTTP = { status: 400, message: "this is not a request of HTTP 1.0 or 1.1" };
const CLIENT_ERRORS: Readonly<Record<string, { status: number; message: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: "the headers are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: "the request took too long to arrive" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: "the chunk extensions are too large" },
};

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
};

/** Answers on a connection whose request could not be read, and closes it. */
function answerRaw(socket: Duplex, status: number, refusal: AuthError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { body } = toRest(refusal);
  const headers = errorHeaders(refusal).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? ""}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers.join("")}` +
      `Connection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
