// One request over HTTP/2 and its answer: a stream.

import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Answer, HeaderField, Prefix } from "../protocols/exchange.ts";
import { HttpExchange, isStreamed, type Received } from "./connection.ts";

/** Largest message of a service without a guard. */
const MAX_UNGUARDED_BYTES = 17 * 1024;
/** Ticks in which a request has to arrive, and the client has to read a part of the answer. */
const MAX_TICKS = 20;
/** The largest part of an answer that Node gets at once. */
const SLICE_BYTES = 16 * 1024;

/** The bounds of a connection on its streams. */
export interface StreamBounds {
  /** Whether there is room for one more streaming call. */
  readonly mayStream: boolean;
  /** Counts bytes of incomplete bodies. Over the bound, the stream with the largest body is reset. */
  hold(bytes: number): void;
}

/** One stream. It writes nothing after a reset, which may come at any time. */
export class Http2Exchange extends HttpExchange {
  readonly version = 2;
  readonly #connection: StreamBounds;
  readonly #stream: ServerHttp2Stream;
  heldBytes = 0;
  /** Ticks since the last progress of the request or of its answer. */
  #age = 0;
  #unread = 0;

  constructor(connection: StreamBounds, stream: ServerHttp2Stream, received: Received) {
    super(stream, received);
    this.#connection = connection;
    this.#stream = stream;
    // Node destroys a stream that fails.
    stream.on("error", () => {});
  }

  /** Slices of its answer that were left unread for a second. */
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
      // Node itself ends the answer to a HEAD.
      if (stream.writableEnded) return;
      if (isStreamed(body)) void this.#sendPieces(body);
      else if (body.length <= SLICE_BYTES) stream.end(body);
      else void this.#sendPieces(slices(body));
    });
    if (isStreamed(body) || stream.readableEnded || stream.endAfterHeaders) return;
    // Reads and drops the rest of a request that was answered early: Node would store a buffer for each frame.
    stream.resume();
    // Asks the client to stop sending (RFC 9113, 8.1). A reset would overtake trailers.
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
    // A streaming call may wait for long, but not for its first message.
    const isStarted = this.isStreaming && stream.headersSent;
    const isReceived = stream.readableEnded || stream.endAfterHeaders || isStarted;
    // Waiting trailers are not part of `writableLength`.
    const hasProgress = writableLength === 0 ? isReceived && !stream.writableEnded : writableLength !== this.#unread;
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

  /** Passes a piece to Node once the caller has a window for it: a pipeline would buffer several. */
  async #sendPieces(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const stream = this.#stream;
    try {
      for await (const piece of body) await new Promise((resolve) => stream.write(piece, resolve));
      stream.end();
    } catch {
      stream.destroy();
    }
    // The stream now drops bytes of the request, until `tick` ends it.
    this.isStreaming = false;
    stream.removeAllListeners("readable").resume();
  }

  #sendTrailers(trailers: Iterable<HeaderField>): void {
    try {
      const fields: OutgoingHttpHeaders = {};
      for (const [name, value] of trailers) fields[name.toLowerCase()] = value;
      this.#write(() => this.#stream.sendTrailers(fields));
    } catch {
      this.#stream.destroy();
    }
  }

  /** Writes, unless the stream was reset. After a reset with NO_ERROR it is closed and not yet destroyed. */
  #write(write: () => void): void {
    const stream = this.#stream;
    if (stream.closed || stream.destroyed) return;
    try {
      write();
    } catch (error) {
      // The stream may be reset between the check and the write.
      if (!stream.closed && !stream.destroyed) throw error;
    }
  }
}

function* slices(body: string | Uint8Array): Iterable<Uint8Array> {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
}
