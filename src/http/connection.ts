// What HTTP/1 and HTTP/2 connections have in common.

import type { Exchange, HeaderField } from "../protocols/exchange.ts";

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
  readonly headers: readonly HeaderField[];
}
