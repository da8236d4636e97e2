// HTTP/2: bounded sessions, and an exchange for each stream.

import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  type Answer,
  type Exchange,
  type HeaderField,
  RequestAborted,
  type StreamedAnswer,
} from "../protocols/exchange.ts";
import { type BodyRead, readBody } from "./body.ts";
import type { Serve } from "./http1.ts";

const OPTIONS = {
  settings: { maxConcurrentStreams: 100, maxHeaderListSize: 16 * 1024, enablePush: false },
  maxSessionMemory: 4,
  maxSessionInvalidFrames: 50,
  maxHeaderListPairs: 64,
};
/** A session that moves no byte for this long is closed, in milliseconds. */
const SESSION_IDLE_MS = 120_000;
/** A request has to be answered in so many ticks, and its answer read in as many more. */
const MAX_TICKS = 20;
/** The most of an answer that is handed to Node at once. */
const SLICE_BYTES = 16 * 1024;
const TICK_MS = 1_000;

export interface Http2Side {
  /** Takes over a connection that opened with the HTTP/2 preface. */
  readonly accept: (socket: Socket) => void;
  /** Lets streams finish for at most `graceMs`, then ends every session. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** Serves HTTP/2 on sockets whose TLS, if any, is the listener's. */
export function createHttp2(serve: Serve): Http2Side {
  const sessions = new Set<ServerHttp2Session>();
  const open = new Set<Http2Exchange>();
  // One timer for all: one for each stream would cost more than the rest of the exchange.
  const ticks = setInterval(() => {
    for (const exchange of open) exchange.tick();
  }, TICK_MS).unref();
  return {
    accept(socket) {
      // A client that has ended its side of HTTP/2 hears nothing more.
      socket.allowHalfOpen = false;
      const remoteAddress = socket.remoteAddress ?? "";
      const session = performServerHandshake(socket, OPTIONS);
      sessions.add(session);
      session.once("close", () => sessions.delete(session));
      session.on("error", () => session.destroy());
      session.setTimeout(SESSION_IDLE_MS, () => session.destroy());
      session.on("stream", (stream, headers, _flags, rawHeaders) => {
        const exchange = new Http2Exchange(stream, headers, rawHeaders, remoteAddress);
        open.add(exchange);
        stream.once("close", () => {
          open.delete(exchange);
          exchange.close();
        });
        serve(exchange);
      });
    },
    async close(graceMs) {
      const timer = setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, graceMs);
      await Promise.all([...sessions].map(drain));
      clearTimeout(timer);
      clearInterval(ticks);
    },
  };
}

/** Lets the streams that were accepted finish. Node reads nothing after a GOAWAY without streams: no round trip is possible. */
function drain(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    session.once("close", resolve);
    if (session.destroyed) resolve();
    else session.close();
  });
}

/** One stream. After a reset, which may come at any time, nothing is written. */
class Http2Exchange implements Exchange {
  readonly version = 2;
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly remoteAddress: string;
  readonly #stream: ServerHttp2Stream;
  #body: BodyRead | undefined;
  /** Ticks since the request began, or since it was answered; undefined for a streaming call, which may be idle. */
  #age: number | undefined = 0;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
    remoteAddress: string,
  ) {
    this.#stream = stream;
    this.method = headers[":method"] ?? "";
    this.target = headers[":path"] ?? "/";
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.remoteAddress = remoteAddress;
    stream.on("error", () => stream.destroy());
  }

  readBody(limit: number, size?: (head: Buffer) => number | undefined): Promise<Buffer> {
    const stream = this.#stream;
    if (this.headers.expect === "100-continue") this.#write(() => stream.additionalHeaders({ ":status": 100 }));
    this.#body = readBody(stream, limit, size, () => this.abort());
    if (stream.destroyed) this.close();
    return this.#body.bytes;
  }

  chunks(): AsyncIterable<Uint8Array> {
    return this.#stream;
  }

  send({ status, headers, body, trailers }: Answer): void {
    const stream = this.#stream;
    if (stream.headersSent) return;
    this.#age = 0;
    this.#write(() => {
      const fields = toFields(status, headers);
      if (trailers === undefined) {
        if (status !== 304) fields.push("content-length", String(Buffer.byteLength(body)));
        const isEmpty = body.length === 0 || this.method === "HEAD";
        stream.respond(fields, { endStream: isEmpty });
        if (!isEmpty) this.#end(body);
      } else {
        stream.respond(fields, { waitForTrailers: true });
        this.#sendTrailers(() => trailers);
        this.#end(body);
      }
      // The rest of a request that was answered early is not wanted (RFC 9113, 8.1).
      if (stream.readableEnded || stream.endAfterHeaders) return;
      if (trailers === undefined) stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
      // A reset would overtake the trailers. The rest is read and dropped until `tick` ends the stream.
      else stream.resume();
    });
  }

  async sendStream({ status, headers, body, trailers }: StreamedAnswer): Promise<void> {
    const stream = this.#stream;
    this.#age = undefined;
    this.#write(() => {
      stream.respond(toFields(status, headers), { waitForTrailers: trailers !== undefined });
      if (trailers !== undefined) this.#sendTrailers(trailers);
    });
    await pipeline(Readable.from(body), stream).catch(() => {});
  }

  onClose(listener: () => void): void {
    if (this.#stream.destroyed) listener();
    else this.#stream.once("close", listener);
  }

  abort(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** A second has passed. */
  tick(): void {
    // Node tells nobody of a reset with NO_ERROR while an answer waits for its window.
    if (this.#stream.closed) this.#stream.destroy();
    else if (this.#age !== undefined && ++this.#age > MAX_TICKS) this.abort();
  }

  /** The stream has ended. */
  close(): void {
    if (!this.#stream.readableEnded) this.#body?.fail(new RequestAborted("the stream closed, or took too long"));
  }

  /** Writes a large body as the caller's window opens: Node would hold all of it. */
  #end(body: string | Uint8Array): void {
    if (body.length <= SLICE_BYTES) this.#stream.end(body);
    else pipeline(slices(Buffer.from(body)), this.#stream).catch(() => {});
  }

  #sendTrailers(trailers: () => Iterable<HeaderField>): void {
    this.#stream.once("wantTrailers", () => {
      try {
        this.#write(() => this.#stream.sendTrailers(lowerCased(trailers())));
      } catch {
        this.#stream.destroy();
      }
    });
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

function* slices(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
}

/** Headers as Node's raw array: names in lower case, and values, in turn. */
function toFields(status: number, headers: Iterable<HeaderField>): string[] {
  const fields = [":status", String(status)];
  for (const [name, value] of headers) fields.push(name.toLowerCase(), value);
  return fields;
}

function lowerCased(headers: Iterable<HeaderField>): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {};
  for (const [name, value] of headers) fields[name.toLowerCase()] = value;
  return fields;
}
