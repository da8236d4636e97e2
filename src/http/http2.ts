// HTTP/2: bounded sessions, and an exchange for each stream.

import {
  constants,
  type OutgoingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { Answer, HeaderField, Prefix } from "../protocols/exchange.ts";
import { type Connection, type ConnectionOptions, HttpExchange, isStreamed, type Received } from "./connection.ts";

const OPTIONS = {
  // A stream costs up to 10 KiB of memory, and one connection gets 256 KiB.
  settings: { maxConcurrentStreams: 20, maxHeaderListSize: 8 * 1024, initialWindowSize: 16 * 1024, enablePush: false },
  maxSessionMemory: 1,
  maxSessionInvalidFrames: 50,
  maxHeaderListPairs: 64,
};
/** Bytes that the bodies on one connection may have together, while anyone may send them. */
const MAX_HELD_BYTES = 80 * 1024;
/** Larger messages are those of a service with a guard, which has let the caller in. */
const MAX_UNGUARDED_BYTES = 17 * 1024;
/** Slices of answers that a client leaves unread for a second, with no window for them. */
const MAX_STALLED_SLICES = 8;
/** Streaming calls of one connection at once: each holds up to 100 KiB. */
const MAX_STREAMING_CALLS = 2;
/** Ticks after which a session without a stream is closed: half a header block is no stream. */
const MAX_IDLE_TICKS = 70;
/** Ticks in which the first request has to begin. */
const MAX_SILENT_TICKS = 10;
/** Ticks in which a request has to arrive, and its client to read some of the answer. */
const MAX_TICKS = 20;
/** The most of an answer that is handed to Node at once. */
const SLICE_BYTES = 16 * 1024;
/** The highest stream id: a GOAWAY that lets streams in which are on their way (RFC 9113, 6.8). */
const LAST_STREAM = 2 ** 31 - 1;

/** One session. */
export class Http2Connection implements Connection {
  readonly #session: ServerHttp2Session;
  readonly #open = new Set<Http2Exchange>();
  #isDraining = false;
  #isEnding = false;
  #heldBytes = 0;
  #idleTicks = 0;
  #maxIdleTicks = MAX_SILENT_TICKS;

  /** Takes over a connection that opened with the HTTP/2 preface. */
  constructor(socket: Socket, { serve, guard, always }: ConnectionOptions) {
    // A client that has ended its side of HTTP/2 receives nothing more.
    socket.allowHalfOpen = false;
    const remoteAddress = socket.remoteAddress ?? "";
    const session = performServerHandshake(socket, OPTIONS);
    this.#session = session;
    session.on("error", () => session.destroy());
    session.on("stream", (stream, headers, _flags, rawHeaders) =>
      guard(socket, () => {
        const { ":method": method = "", ":path": target = "/" } = headers;
        const received = { method, target, headers, rawHeaders, remoteAddress, always };
        const exchange = new Http2Exchange(this, stream, received);
        this.#open.add(exchange);
        this.#maxIdleTicks = MAX_IDLE_TICKS;
        stream.once("close", () => {
          this.#open.delete(exchange);
          exchange.end();
          // Node reads no answer to the ping once there is no stream.
          if (this.#isEnding && this.#open.size === 0) this.#close();
        });
        if (this.#isDraining) this.#announceEnd();
        serve(exchange);
      }),
    );
  }

  /** Counts bytes of bodies that wait for the rest. Over the bound the largest of them is reset. */
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
    // Node reads nothing after a GOAWAY without streams: an idle session waits for one.
    if (this.#open.size > 0) this.#announceEnd();
  }

  endIdle(): void {
    if (this.#open.size === 0) this.#close();
  }

  /** Refuses new streams after a round trip, and closes once the others have ended. A stream is open. */
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

/** One stream. After a reset, which may come at any time, nothing is written. */
class Http2Exchange extends HttpExchange {
  readonly version = 2;
  readonly #connection: Http2Connection;
  readonly #stream: ServerHttp2Stream;
  heldBytes = 0;
  /** Ticks in which the request did not end, or nothing of its answer was read. */
  #age = 0;
  #unread = 0;

  constructor(connection: Http2Connection, stream: ServerHttp2Stream, received: Received) {
    super(stream, received);
    this.#connection = connection;
    this.#stream = stream;
    // Node destroys a stream that fails.
    stream.on("error", () => {});
  }

  /** The part of its answer that was left unread for a second. */
  get stalledSlices(): number {
    return this.#age > 1 ? Math.ceil(this.#stream.writableLength / SLICE_BYTES) : 0;
  }

  override get mayStream(): boolean {
    return this.#connection.mayStream;
  }

  override readBody(limit: number, prefix?: Prefix): Promise<Buffer> {
    const stream = this.#stream;
    if (this.headers.expect === "100-continue") this.#write(() => stream.additionalHeaders({ ":status": 100 }));
    const bytes = super.readBody(limit, prefix);
    if (stream.destroyed) this.end();
    return bytes;
  }

  protected override hold(bytes: number, limit: number): void {
    if (limit > MAX_UNGUARDED_BYTES) return;
    this.heldBytes += bytes;
    this.#connection.hold(bytes);
  }

  shed(): void {
    this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  send({ status, headers, body, trailers }: Answer): void {
    const stream = this.#stream;
    if (stream.headersSent) return;
    this.#age = 0;
    this.#write(() => {
      const fields = [":status", String(status)];
      for (const [name, value] of headers) fields.push(name.toLowerCase(), value);
      for (const [name, value] of this.always) fields.push(name.toLowerCase(), value);
      const isWhole = !isStreamed(body) && trailers === undefined;
      if (isWhole && status !== 304) fields.push("content-length", String(Buffer.byteLength(body)));
      stream.respond(fields, { endStream: isWhole && body.length === 0, waitForTrailers: trailers !== undefined });
      if (trailers !== undefined) stream.once("wantTrailers", () => this.#sendTrailers(trailers));
      // Node has ended the answer to a HEAD too.
      if (stream.writableEnded) return;
      if (isStreamed(body)) void this.#sendPieces(body);
      else if (body.length <= SLICE_BYTES) stream.end(body);
      else void this.#sendPieces(slices(body));
    });
    if (isStreamed(body) || stream.readableEnded || stream.endAfterHeaders) return;
    // The rest of a request that was answered early is read and dropped: Node would keep a buffer for each frame.
    stream.resume();
    // And it is not wanted (RFC 9113, 8.1); but a reset would overtake trailers.
    if (trailers === undefined) stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
  }

  onClose(listener: () => void): void {
    if (this.#stream.destroyed) listener();
    else this.#stream.once("close", listener);
  }

  abort(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  tick(): void {
    const stream = this.#stream;
    const { writableLength } = stream;
    const isReceived = stream.readableEnded || stream.endAfterHeaders || this.isStreaming;
    const hasProgress = writableLength === 0 ? isReceived : writableLength !== this.#unread;
    this.#unread = writableLength;
    this.#age = hasProgress ? 0 : this.#age + 1;
    // Node raises no event for a reset with NO_ERROR while an answer waits for its window.
    if (stream.closed) stream.destroy();
    else if (this.#age > MAX_TICKS) this.abort();
  }

  /** The stream has ended. */
  end(): void {
    this.#connection.hold(-this.heldBytes);
    this.heldBytes = 0;
    if (!this.#stream.readableEnded) this.failBody();
  }

  /** Hands a piece to Node once the caller has a window for it: a pipeline would hold several. */
  async #sendPieces(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const stream = this.#stream;
    try {
      for await (const piece of body) await new Promise((resolve) => stream.write(piece, resolve));
      stream.end();
    } catch {
      stream.destroy();
    }
    // The stream drops later bytes of the request, until `tick` ends it.
    this.isStreaming = false;
    stream.removeAllListeners("readable").resume();
  }

  #sendTrailers(trailers: () => Iterable<HeaderField>): void {
    try {
      const fields: OutgoingHttpHeaders = {};
      for (const [name, value] of trailers()) fields[name.toLowerCase()] = value;
      this.#write(() => this.#stream.sendTrailers(fields));
    } catch {
      this.#stream.destroy();
    }
  }

  /** The one place that writes. A stream that was reset with NO_ERROR is closed and not yet destroyed. */
  #write(write: () => void): void {
    const stream = this.#stream;
    if (stream.closed || stream.destroyed) return;
    try {
      write();
    } catch (error) {
      // The reset of a stream may come between the look at it and the write.
      if (!stream.closed && !stream.destroyed) throw error;
    }
  }
}

function* slices(body: string | Uint8Array): Iterable<Uint8Array> {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
}
