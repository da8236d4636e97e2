// Reads a request's body whole, up to a limit.

import type { Readable } from "node:stream";
import { tooLarge } from "../protocols/compression.ts";

/** So much more of a body that is too large is read and dropped: its sender gets to read the answer. */
const MAX_DROPPED_BYTES = 256 * 1024;
/** The longest prefix that declares a size: gRPC's. */
const HEAD_BYTES = 5;

/** A body that is being read. */
export interface BodyRead {
  /** @throws AuthError `too_large`; the error that `fail` was given */
  readonly bytes: Promise<Buffer>;
  /** Bytes that have arrived. */
  readonly received: number;
  /** Ends the reading, if it has not ended. */
  readonly fail: (error: Error) => void;
}

/**
 * Reads at most `limit` bytes.
 * @param size the size that the first bytes declare
 * @param abandon called when far more than the limit arrives: nobody should read on
 */
export function readBody(
  source: Readable,
  limit: number,
  size: ((head: Buffer) => number | undefined) | undefined,
  abandon: () => void,
): BodyRead {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let received = 0;
  source.on("data", (chunk: Buffer) => {
    const isHead = received < HEAD_BYTES;
    received += chunk.length;
    if (received <= limit) chunks.push(chunk);
    else if (received <= limit + MAX_DROPPED_BYTES) reject(tooLarge(limit));
    else abandon();
    const declared = isHead ? size?.(Buffer.concat(chunks)) : undefined;
    if (declared !== undefined && declared > limit) reject(tooLarge(limit));
  });
  source.once("end", () => {
    const [only = Buffer.alloc(0), ...others] = chunks;
    resolve(others.length === 0 ? only : Buffer.concat(chunks));
  });
  return {
    bytes: promise,
    get received() {
      return received;
    },
    fail: reject,
  };
}
