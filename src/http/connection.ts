// Connections of HTTP/1 and HTTP/2, and the reading half of an exchange.

import type { Readable } from "node:stream";
import { tooLarge } from "../protocols/compression.ts";
import { type Answer, type Exchange, type HeaderField, type Prefix, RequestAborted } from "../protocols/exchange.ts";

/** Bytes that are read and dropped after a body's limit, so that the sender reads the answer. */
const MAX_DROPPED_BYTES = 256 * 1024;
const NOTHING = Buffer.alloc(0);

/** Answers one exchange. It never throws. */
export type Serve = (exchange: Exchange) => void;

/** A connection of either version. Once a second `tick` checks that it makes progress. */
export interface Connection {
  tick(): void;
  /** Announces the end with the next answer, and ends after it. */
  drain(): void;
  /** Ends the connection if it is idle; absent: Node's server does. */
  endIdle?(): void;
}

export interface ServeOptions {
  readonly serve: Serve;
  /** Runs a connection's handler: an exception ends that connection alone. */
  readonly guard: (socket: { destroy(): unknown }, handle: () => void) => void;
  /** Headers of every answer. */
  readonly always: readonly HeaderField[];
  /** Open HTTP/2 streams of all connections, and the number from which each connection gets fewer. */
  readonly streams: { open: number; readonly crowd: number };
}

/** The parts of an exchange that HTTP/1 and HTTP/2 read differently. */
export interface Received
  extends Pick<Exchange, "method" | "target" | "headers" | "rawHeaders" | "remoteAddress">,
    Pick<ServeOptions, "always"> {}

/** The part of an exchange that both versions share. */
export abstract class HttpExchange implements Exchange {
  abstract readonly version: 1 | 2;
  readonly method: string;
  readonly target: string;
  readonly headers: Exchange["headers"];
  readonly rawHeaders: readonly string[];
  readonly remoteAddress: string;
  protected always: readonly HeaderField[];
  readonly #source: Readable;
  /** Whether a handler reads the body. */
  protected isRead = false;
  /** Whether this is a streaming call, which may be idle. */
  isStreaming = false;
  #reject: ((error: Error) => void) | undefined;

  constructor(source: Readable, { method, target, headers, rawHeaders, remoteAddress, always }: Received) {
    this.#source = source;
    // HEAD is answered as GET, without the body (RFC 9110, 9.3.2).
    this.method = method === "HEAD" ? "GET" : method;
    this.target = target;
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.remoteAddress = remoteAddress;
    this.always = always;
  }

  readBody(limit: number, prefix?: Prefix): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const most = limit + (prefix?.bytes ?? 0);
    // One buffer for all chunks: with one for each, a chunk of one byte would cost a hundred bytes.
    let body = NOTHING;
    let received = 0;
    this.isRead = true;
    this.#reject = reject;
    const add = (chunk: Buffer): void => {
      const before = received;
      received += chunk.length;
      if (received > most + MAX_DROPPED_BYTES) this.abort();
      else if (received > most) {
        if (before <= most) this.hold(-before, limit);
        reject(tooLarge(limit));
      } else {
        // Copied: a chunk may be a small part of a large buffer.
        if (before === 0) body = Buffer.from(chunk);
        else {
          if (body.length < received) body = Buffer.concat([body.subarray(0, before)], Math.min(most, 2 * received));
          chunk.copy(body, before);
        }
        this.hold(chunk.length, limit);
        const isDeclared = prefix !== undefined && before < prefix.bytes && received >= prefix.bytes;
        if (isDeclared && prefix.readSize(body) > limit) reject(tooLarge(limit));
      }
    };
    this.#source.on("data", (chunk: Buffer) => {
      try {
        add(chunk);
      } catch (error) {
        // An exception in a stream's listener would be uncaught.
        reject(error);
      }
    });
    this.#source.on("end", () => {
      if (received <= most) this.hold(-received, limit);
      // A reset of HTTP/2 also ends the body, as if it were complete.
      if (this.#source.closed) this.failBody();
      resolve(body.length === received ? body : body.subarray(0, received));
    });
    return promise;
  }

  get mayStream(): boolean {
    return true;
  }

  chunks(): AsyncIterable<Uint8Array> {
    this.isStreaming = true;
    return this.#source;
  }

  addHeaders(fields: readonly HeaderField[]): void {
    this.always = [...this.always, ...fields];
  }

  /** Counts bytes in memory, of a body of at most `limit` bytes; negative when they are freed. */
  protected hold(_bytes: number, _limit: number): void {}

  /** Fails a body that has not ended. */
  failBody(error: Error = new RequestAborted("the caller has gone, or took too long")): void {
    this.#reject?.(error);
  }

  abstract send(answer: Answer): void;
  abstract onClose(listener: () => void): void;
  abstract abort(): void;
}

/** Whether a body is sent piece by piece. */
export function isStreamed(body: Answer["body"]): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && Symbol.asyncIterator in body;
}
