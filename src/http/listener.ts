// One port for HTTP/1 and HTTP/2, plain or over TLS. The first bytes decide.

import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createSecureServer, Server as SecureServer } from "node:https";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { limitAddress } from "../core/limiter/addresses.ts";
import type { HeaderField } from "../protocols/exchange.ts";
import type { Connection, Serve, ServeOptions } from "./connection.ts";
import { CrowdWatch } from "./crowd.ts";
import { drainConnections } from "./drain.ts";
import { HTTP1_OPTIONS, serveHttp1 } from "./http1.ts";
import { Http2Connection } from "./http2.ts";
import { readTlsOptions, reloadTls, type TlsFiles } from "./tls.ts";

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly serve: Serve;
  /** Absent: cleartext. */
  readonly tls?: TlsFiles;
  /** Called with bugs, and with errors of certificate files. */
  readonly onFault: (error: unknown) => void;
  /** Called when a connection is refused: too many are open, or no descriptor is left. */
  readonly onConnectionRefused?: () => void;
  /** Bounds on connections, in all and from one address; absent: no bound. */
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
  /** Addresses exempt from the limit per address. */
  readonly isTrusted?: (address: string) => boolean;
  /** A crowd of connections has left, or a burst of requests is over, and the listener is calm: a good time to free memory. */
  readonly onCrowdLeft?: () => void;
}

export interface Listener {
  /** The origin that it listens at. */
  readonly url: string;
  /**
   * Stops accepting, and ends each connection with its next answer; idle ones after `idleMs` milliseconds (0 when absent), all after
   * `graceMs`.
   * @returns how many connections were destroyed with a request under way
   */
  readonly close: (graceMs: number, idleMs?: number) => Promise<number>;
}

const TICK_MS = 1_000;
/** Connections that wait to be accepted. The system drops further ones, and their clients try again after a second. */
const BACKLOG = 4_096;
/** Time in which a connection has to send its first bytes, in milliseconds. */
const FIRST_BYTES_MS = 10_000;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const NO_SNIFF: HeaderField = ["X-Content-Type-Options", "nosniff"];
const HSTS: HeaderField = ["Strict-Transport-Security", "max-age=31536000"];

/** Listens. @throws the system's error (EADDRINUSE, EACCES …) when it cannot */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { host, port, serve, tls, onFault, maxConnections, maxConnectionsPerAddress } = options;
  const { isTrusted = () => false, onConnectionRefused = () => {}, onCrowdLeft = () => {} } = options;
  const server =
    tls === undefined ? createServer(HTTP1_OPTIONS) : createSecureServer({ ...HTTP1_OPTIONS, ...readTlsOptions(tls) });
  const stopReloading =
    tls !== undefined && server instanceof SecureServer ? reloadTls(server, tls, onFault) : (): void => {};
  // Undocumented in Node. Firmware that ends its side after the request gets no answer without it.
  Object.assign(server, { httpAllowHalfOpen: true });
  if (maxConnections !== undefined) server.maxConnections = maxConnections;
  server.on("drop", onConnectionRefused);
  // A stranger that does not speak TLS gets no answer.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  const guard: ServeOptions["guard"] = (socket, handle) => {
    try {
      handle();
    } catch (error) {
      onFault(error);
      socket.destroy();
    }
  };
  const crowd = new CrowdWatch(onCrowdLeft);
  const connectionOptions: ServeOptions = {
    serve(exchange) {
      crowd.count();
      serve(exchange);
    },
    guard,
    always: tls === undefined ? [NO_SNIFF] : [NO_SNIFF, HSTS],
    streams: { open: 0, crowd: maxConnections ?? Number.POSITIVE_INFINITY },
  };
  const watchHttp1 = serveHttp1(server, connectionOptions);

  // Node's own server listens, since its timeouts run only then. Its connections are sniffed first.
  const accepted = tls === undefined ? "connection" : "secureConnection";
  const acceptHttp1 = server.listeners(accepted);
  server.removeAllListeners(accepted);
  let isDraining = false;
  const sockets = new Set<Socket>();
  const connections = new Map<Socket, Connection>();
  const perAddress = new Map<string, number>();
  // With TLS this is the TCP socket, which is counted before the handshake.
  server.on("connection", (socket: Socket) => {
    const address = limitAddress(socket.remoteAddress ?? "");
    const others = perAddress.get(address) ?? 0;
    if (
      maxConnectionsPerAddress !== undefined &&
      others >= maxConnectionsPerAddress &&
      !isTrusted(socket.remoteAddress ?? "")
    ) {
      onConnectionRefused();
      socket.destroy();
      return;
    }
    perAddress.set(address, others + 1);
    sockets.add(socket);
    socket.once("close", () => {
      crowd.count();
      sockets.delete(socket);
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left === 0) perAddress.delete(address);
      else perAddress.set(address, left);
    });
  });
  server.on(accepted, (socket: Socket) => {
    // Limits need the address, which is unknown once the connection is gone.
    if (socket.remoteAddress === undefined || socket.destroyed) {
      socket.destroy();
      return;
    }
    socket.on("error", () => socket.destroy());
    socket.allowHalfOpen = true;
    sniff(socket, (isHttp2) =>
      guard(socket, () => {
        if (!isHttp2) for (const accept of acceptHttp1) Reflect.apply(accept, server, [socket]);
        const connection = isHttp2 ? new Http2Connection(socket, connectionOptions) : watchHttp1(socket);
        connections.set(socket, connection);
        if (isDraining) connection.drain();
        socket.once("close", () => connections.delete(socket));
      }),
    );
  });

  await once(server.listen({ host, port, backlog: BACKLOG }), "listening");
  // Accepting failed: no descriptor is left.
  server.on("error", onConnectionRefused);
  const ticks = setInterval(() => {
    for (const [socket, connection] of connections) guard(socket, () => connection.tick());
    crowd.tick(sockets.size);
  }, TICK_MS);

  return {
    url: originOf(tls === undefined ? "http" : "https", server.address()),
    async close(graceMs, idleMs = 0) {
      isDraining = true;
      // http.Server's own close destroys idle connections, where the next request may be on its way.
      const ended = new Promise<void>((resolve) => Reflect.apply(NetServer.prototype.close, server, [() => resolve()]));
      const destroyed = await drainConnections(server, sockets, connections, ended, { graceMs, idleMs });
      // Stops the timer of Node's own timeouts.
      server.close();
      clearInterval(ticks);
      stopReloading();
      return destroyed;
    },
  };
}

/** Reads enough bytes to tell HTTP/2 from HTTP/1, and puts them back. A silent connection is ended. */
function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const giveUp = (): void => {
    socket.destroy();
  };
  const timer = setTimeout(giveUp, FIRST_BYTES_MS);
  const end = (): void => {
    clearTimeout(timer);
    socket.off("readable", read).off("end", giveUp).off("close", end);
  };
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
  socket.on("readable", read).on("end", giveUp).on("close", end);
}

function originOf(scheme: string, address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string") throw new TypeError("the listener has no TCP address");
  return `${scheme}://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}
