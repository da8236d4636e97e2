// What HTTP/1 and HTTP/2 have in common: connections, and the reading half of an exchange.

import type { Readable } from "node:stream";
import { tooLarge } from "../protocols/compression.ts";
import { type Answer, type Exchange, type HeaderField, type Prefix, RequestAborted } from "../protocols/exchange.ts";

/** So much more of a body that is too large is read and dropped: its sender gets to read the answer. */
const MAX_DROPPED_BYTES = 256 * 1024;

/** Answers one exchange. It never throws. */
export type Serve = (exchange: Exchange) => void;

/** A connection of either version, asked once a second whether it is still good for anything. */
export interface Connection {
  tick(): void;
  /** Announces the end, and closes once what it has begun has ended. */
  drain?(): void;
}

export interface ConnectionOptions {
  readonly serve: Serve;
  /** Runs a connection's handler: an exception ends that connection alone. */
  readonly guard: (socket: { destroy(): unknown }, handle: () => void) => void;
  /** Headers of every answer. */
  readonly always: readonly HeaderField[];
}

/** What an exchange is made of. */
export interface Received
  extends Pick<Exchange, "method" | "target" | "headers" | "rawHeaders" | "remoteAddress">,
    Pick<ConnectionOptions, "always"> {}

/** An exchange as far as both versions are alike. */
export abstract class HttpExchange implements Exchange {
  abstract readonly version: 1 | 2;
  readonly method: string;
  readonly target: string;
  readonly headers: Exchange["headers"];
  readonly rawHeaders: readonly string[];
  readonly remoteAddress: string;
  protected readonly always: readonly HeaderField[];
  readonly #source: Readable;
  #received: number | undefined;
  #reject: ((error: Error) => void) | undefined;

  constructor(source: Readable, { method, target, headers, rawHeaders, remoteAddress, always }: Received) {
    this.#source = source;
    this.method = method;
    this.target = target;
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.remoteAddress = remoteAddress;
    this.always = always;
  }

  /** Bytes of the body that have arrived; undefined while nobody reads it. */
  get received(): number | undefined {
    return this.#received;
  }

  readBody(limit: number, prefix?: Prefix): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const most = limit + (prefix?.bytes ?? 0);
    const chunks: Buffer[] = [];
    let received = 0;
    this.#received = received;
    this.#reject = reject;
    const add = (chunk: Buffer): void => {
      const isHead = prefix !== undefined && received < prefix.bytes;
      received += chunk.length;
      this.#received = received;
      this.onData(chunk.length, limit);
      if (received > most + MAX_DROPPED_BYTES) this.abort();
      else if (received > most) reject(tooLarge(limit));
      else {
        chunks.push(chunk);
        const isDeclared = isHead && received >= prefix.bytes;
        if (isDeclared && prefix.readSize(joined(chunks)) > limit) reject(tooLarge(limit));
      }
    };
    this.#source.on("data", (chunk: Buffer) => {
      try {
        add(chunk);
      } catch (error) {
        // Nobody catches what a stream's listener throws.
        reject(error);
      }
    });
    this.#source.once("end", () => {
      this.onData(-received, limit);
      resolve(joined(chunks));
    });
    return promise;
  }

  chunks(): AsyncIterable<Uint8Array> {
    return this.#source;
  }

  /** Bytes of a body of at most `limit` have arrived; negative: all of them are read. */
  protected onData(_bytes: number, _limit: number): void {}

  /** Fails the reading of the body, if it has not ended. */
  failBody(error: Error = new RequestAborted("the caller has gone, or took too long")): void {
    this.#reject?.(error);
  }

  abstract send(answer: Answer): void;
  abstract onClose(listener: () => void): void;
  abstract abort(): void;
}

function joined(chunks: readonly Buffer[]): Buffer {
  const [only = Buffer.alloc(0), ...others] = chunks;
  return others.length === 0 ? only : Buffer.concat(chunks);
}

/** Whether a body comes piece by piece. */
export function isStreamed(body: Answer["body"]): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && Symbol.asyncIterator in body;
}
