// One port for HTTP/1.0, HTTP/1.1 and HTTP/2, in the clear or by TLS, told apart by the first bytes.

import { createServer } from "node:http";
import { createServer as createSecureServer, Server as SecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { HTTP1_OPTIONS, type Serve, serveHttp1 } from "./http1.ts";
import { createHttp2 } from "./http2.ts";
import { readTlsOptions, reloadTls, type TlsFiles } from "./tls.ts";

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly serve: Serve;
  /** Absent: in the clear. */
  readonly tls?: TlsFiles;
  /** Receives the error of certificate files that cannot be loaded. */
  readonly onFault: (error: unknown) => void;
}

export interface Listener {
  /** The origin that it listens at. */
  readonly url: string;
  /** Stops accepting, lets requests finish for at most `graceMs`, then closes every connection. */
  readonly close: (graceMs: number) => Promise<void>;
}

const IDLE_SWEEP_MS = 50;
/** Longer than an idle connection is kept: closes one whose client never reads its answers. */
const STALLED_MS = 75_000;
/** A connection has to say in this time what it speaks, in milliseconds. */
const FIRST_BYTES_MS = 10_000;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Listens. @throws the system's error (EADDRINUSE, EACCES …) when it cannot */
export async function listen({ host, port, serve, tls, onFault }: ListenerOptions): Promise<Listener> {
  const server =
    tls === undefined ? createServer(HTTP1_OPTIONS) : createSecureServer({ ...HTTP1_OPTIONS, ...readTlsOptions(tls) });
  const stopReloading =
    tls !== undefined && server instanceof SecureServer ? reloadTls(server, tls, onFault) : (): void => {};
  // The one undocumented switch: firmware that ends its side after the request gets no answer without it.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.setTimeout(STALLED_MS, (socket) => socket.destroy());
  // A stranger that does not speak TLS gets no answer.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  serveHttp1(server, serve);
  const http2 = createHttp2(serve);

  // Node's server itself listens, since only then it times slow clients out; its connections are looked at first.
  const accepted = tls === undefined ? "connection" : "secureConnection";
  const acceptHttp1 = server.listeners(accepted);
  server.removeAllListeners(accepted);
  const connections = new Set<Socket>();
  const undecided = new Map<string, Socket>();
  // With TLS this is the connection below, which is there before the handshake has ended.
  server.on("connection", (socket: Socket) => {
    const peer = peerOf(socket);
    connections.add(socket);
    undecided.set(peer, socket);
    socket.once("close", () => {
      connections.delete(socket);
      if (undecided.get(peer) === socket) undecided.delete(peer);
    });
  });
  server.on(accepted, (socket: Socket) => {
    // Limits count by it, and it is unknown once the connection has gone.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    socket.on("error", () => socket.destroy());
    socket.allowHalfOpen = true;
    const peer = peerOf(socket);
    sniff(socket, (isHttp2) => {
      if (isHttp2 !== undefined) undecided.delete(peer);
      if (isHttp2) http2.accept(socket);
      else if (isHttp2 !== undefined) for (const accept of acceptHttp1) Reflect.apply(accept, server, [socket]);
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
        for (const connection of connections) connection.destroy();
      }, graceMs);
      // A connection that is busy now is idle later.
      const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      for (const connection of undecided.values()) connection.destroy();
      await Promise.all([ended, Promise.race([ended, http2.close(graceMs)])]);
      clearTimeout(timer);
      clearInterval(sweep);
      stopReloading();
    },
  };
}

/** A TLS socket and the connection below it have this in common, and no other connection has it. */
function peerOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

/** Waits for enough bytes to tell HTTP/2 from HTTP/1, and puts them back. Undefined: the connection ended before. */
function sniff(socket: Socket, decide: (isHttp2: boolean | undefined) => void): void {
  let seen = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), FIRST_BYTES_MS);
  const read = (): void => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const matches = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (matches && length < PREFACE.length) return;
    end();
    socket.unshift(seen);
    decide(matches);
  };
  const giveUp = (): void => {
    socket.destroy();
  };
  const close = (): void => {
    end();
    decide(undefined);
  };
  const end = (): void => {
    clearTimeout(timer);
    socket.off("readable", read);
    socket.off("end", giveUp);
    socket.off("close", close);
  };
  socket.on("readable", read);
  socket.on("end", giveUp);
  socket.on("close", close);
}

function originOf(scheme: string, address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string") throw new TypeError("a TCP listener has an address");
  return `${scheme}://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}
