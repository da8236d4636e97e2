// HTTP/2 connections: sessions with bounds on what their streams hold.

import { constants, performServerHandshake, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Connection, ServeOptions } from "./connection.ts";
import { Http2Exchange, type StreamBounds } from "./http2-exchange.ts";

const OPTIONS = {
  // A stream costs up to 10 KiB of memory, and one connection gets 256 KiB.
  settings: { maxConcurrentStreams: 20, maxHeaderListSize: 8 * 1024, initialWindowSize: 16 * 1024, enablePush: false },
  maxSessionMemory: 1,
  maxSessionInvalidFrames: 50,
  maxHeaderListPairs: 64,
};
/** Most bytes of incomplete bodies on one connection, without those of guarded services. */
const MAX_HELD_BYTES = 80 * 1024;
/** Most slices of answers that a client may leave unread for a second. */
const MAX_STALLED_SLICES = 8;
/** Streams of a connection while very many are open: 2,000 connections of 20 streams would hold 400 MB. */
const MAX_STREAMS_IN_CROWD = 8;
/** Streaming calls of one connection at once: each holds up to 100 KiB. */
const MAX_STREAMING_CALLS = 2;
/** Ticks after which a session without a stream is closed. An incomplete header block does not count as a stream. */
const MAX_IDLE_TICKS = 70;
/** Ticks in which the first request has to begin. */
const MAX_SILENT_TICKS = 10;
/** The highest stream id. A GOAWAY with it still accepts streams in transit (RFC 9113, 6.8). */
const LAST_STREAM = 2 ** 31 - 1;

/** One session. */
export class Http2Connection implements Connection, StreamBounds {
  readonly #session: ServerHttp2Session;
  readonly #open = new Set<Http2Exchange>();
  #isDraining = false;
  #isEnding = false;
  #heldBytes = 0;
  #idleTicks = 0;
  #maxIdleTicks = MAX_SILENT_TICKS;

  /** @param socket a connection that began with the HTTP/2 preface */
  constructor(socket: Socket, { serve, guard, always, streams }: ServeOptions) {
    // A client of HTTP/2 that has ended its side reads nothing more.
    socket.allowHalfOpen = false;
    const remoteAddress = socket.remoteAddress ?? "";
    const session = performServerHandshake(socket, OPTIONS);
    this.#session = session;
    session.on("error", () => session.destroy());
    session.on("stream", (stream, headers, _flags, rawHeaders) =>
      guard(socket, () => {
        if (streams.open >= streams.crowd && this.#open.size >= MAX_STREAMS_IN_CROWD) {
          stream.on("error", () => {});
          stream.close(constants.NGHTTP2_REFUSED_STREAM);
          return;
        }
        const { ":method": method = "", ":path": target = "/" } = headers;
        const received = { method, target, headers, rawHeaders, remoteAddress, always };
        const exchange = new Http2Exchange(this, stream, received);
        this.#open.add(exchange);
        streams.open++;
        this.#maxIdleTicks = MAX_IDLE_TICKS;
        stream.once("close", () => {
          this.#open.delete(exchange);
          streams.open--;
          exchange.end();
          // Without a stream Node never reads the answer to the ping.
          if (this.#isEnding && this.#open.size === 0) this.#close();
        });
        if (this.#isDraining) this.#announceEnd();
        serve(exchange);
      }),
    );
  }

  hold(bytes: number): void {
    this.#heldBytes += bytes;
    if (bytes <= 0 || this.#heldBytes <= MAX_HELD_BYTES) return;
    const [largest] = [...this.#open].sort((one, other) => other.heldBytes - one.heldBytes);
    largest?.shed();
  }

  get mayStream(): boolean {
    return [...this.#open].filter(({ isStreaming }) => isStreaming).length < MAX_STREAMING_CALLS;
  }

  tick(): void {
    this.#idleTicks = this.#open.size > 0 ? 0 : this.#idleTicks + 1;
    let stalled = 0;
    for (const exchange of this.#open) {
      exchange.tick();
      stalled += exchange.stalledSlices;
    }
    if (stalled > MAX_STALLED_SLICES || this.#idleTicks > this.#maxIdleTicks) this.#session.destroy();
  }

  drain(): void {
    this.#isDraining = true;
    // Node reads nothing after a GOAWAY without streams: an idle session waits for a stream first.
    if (this.#open.size > 0) this.#announceEnd();
  }

  endIdle(): void {
    if (this.#open.size === 0) this.#close();
  }

  /** Called while a stream is open: refuses new streams after a round trip, and closes once the open ones have ended. */
  #announceEnd(): void {
    if (this.#isEnding || this.#session.destroyed) return;
    this.#isEnding = true;
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM);
    if (!this.#session.ping(() => this.#close())) this.#close();
  }

  #close(): void {
    if (!this.#session.destroyed) this.#session.close();
  }
}
