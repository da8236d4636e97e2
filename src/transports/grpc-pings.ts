// gRPC's bound on keepalive pings, which grpc-js lacks: whoever pings more often is told so, and let go. Knows the library's
// insides as they are in 1.14, and no service.

import { EventEmitter } from "node:events";
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { TransportOptions } from "./call.ts";

/** How far apart pings have to be: ten seconds, less what the way may add to one ping and not to the next. */
const INTERVAL_MS = 9_000;
const FORGIVEN = 2;
/** By this, letter for letter, clients of gRPC know to ping less often. */
const REASON = Buffer.from("too_many_pings");

/**
 * Watches the pings on every connection that a server is handed from now on; its injector has to be there already.
 * @throws TypeError when the library does not keep its HTTP/2 servers where it did
 */
export function limitPings(server: object, { now }: Pick<TransportOptions, "now">): void {
  const kept: unknown = Reflect.get(server, "http2Servers");
  const http2Servers: unknown[] = kept instanceof Map ? [...kept.keys()] : [];
  if (http2Servers.length === 0) throw new TypeError("grpc-js has no http2Servers: see what took their place");
  for (const http2Server of http2Servers) {
    if (!(http2Server instanceof EventEmitter))
      throw new TypeError("grpc-js has other servers than those of node:http2");
    // Not at a session's first stream: whoever never opens one can ping too.
    http2Server.on("session", (session: ServerHttp2Session) => limitPingsOf(session, now));
  }
}

function limitPingsOf(session: ServerHttp2Session, now: () => number): void {
  let allowedAt = Number.NEGATIVE_INFINITY;
  let strikes = 0;
  const forgive = (): void => {
    allowedAt = Number.NEGATIVE_INFINITY;
    strikes = 0;
  };

  session.on("ping", () => {
    const time = now();
    if (time < allowedAt) strikes++;
    allowedAt = time + INTERVAL_MS;
    if (strikes <= FORGIVEN) return;
    const code = constants.NGHTTP2_ENHANCE_YOUR_CALM;
    session.goaway(code, undefined, REASON);
    session.destroy(undefined, code);
  });
  // Before the library's own, which may answer at once.
  session.prependListener("stream", (stream: ServerHttp2Stream) => {
    forgive();
    // Clients ping when they get data, to learn how much of it is on its way: that is no keepalive.
    stream.once("close", forgive);
    const { write } = stream;
    Object.assign(stream, {
      write: (...args: readonly unknown[]): unknown => {
        forgive();
        return Reflect.apply(write, stream, args);
      },
    });
  });
}
