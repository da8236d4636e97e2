// A listener: one port for HTTP/1.0, HTTP/1.1 and HTTP/2, in the clear or by TLS, told apart by their first bytes. Knows no
// protocol above.

import { createServer } from "node:http";
import { createServer as createSecureServer, Server as SecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { HttpHandler } from "./http.ts";
import { answerWhatNodeWould } from "./http1-answers.ts";
import { createPipeline } from "./pipeline.ts";
import { sniff } from "./sniff.ts";
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
  const pipeline = createPipeline(handle);
  server.on("request", pipeline.handle);
  answerWhatNodeWould(server, pipeline);

  // The server itself listens, since only then does Node watch over slow clients; what it accepts is looked at first.
  const accepted = tls === undefined ? "connection" : "secureConnection";
  const serveHttp1 = server.listeners(accepted);
  server.removeAllListeners(accepted);
  const connections = new Map<string, Socket>();
  const undecided = new Set<Socket>();
  // Of TLS the connection beneath, which is there before its handshake has ended, and goes with it.
  server.on("connection", (socket: Socket) => {
    const peer = peerOf(socket);
    connections.set(peer, socket);
    undecided.add(socket);
    socket.once("close", () => {
      undecided.delete(socket);
      if (connections.get(peer) === socket) connections.delete(peer);
    });
  });
  server.on(accepted, (socket: Socket) => {
    // Asked once while it is known: limits count by it, and a request may be looked at after its connection has gone.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    socket.on("error", () => socket.destroy());
    // In the clear Node's HTTP server does so by itself; by TLS only now, since half a handshake is to be ended.
    socket.allowHalfOpen = true;
    sniff(socket, (isHttp2) => {
      const connection = connections.get(peerOf(socket));
      if (connection !== undefined) undecided.delete(connection);
      // Its preface has decided what it speaks, whatever ALPN has: Node would answer with a page of its own.
      if (isHttp2 && tls !== undefined) Object.defineProperty(socket, "alpnProtocol", { value: "h2" });
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
        for (const connection of connections.values()) connection.destroy();
      }, graceMs);
      // Node closes what is idle now, and would keep alive for long what is busy now and idle then.
      const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      for (const connection of undecided) connection.destroy();
      // Without connections there is nothing left to wait for, whatever becomes of the sessions that were on them.
      await Promise.all([ended, Promise.race([ended, http2.close(graceMs)])]);
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

/** What a connection and the TLS on it have in common, and no other connection of the listener has at the time. */
function peerOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
