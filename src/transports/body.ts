// Reads a request's body whole, up to a limit, over HTTP/1 and HTTP/2 alike. Knows no format.

import type { IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import { AuthError } from "../core/errors.ts";

/** The most bytes a request message may have, unless its service says otherwise. */
export const MAX_MESSAGE_BYTES = 4096;

/** So much more of a body that is too large is read and dropped, so that its sender gets to read the answer. */
const MAX_DROPPED_BYTES = 256 * 1024;

/** A body takes no longer than this to arrive, in milliseconds. */
const BODY_TIMEOUT_MS = 10_000;

/** The caller went away, or took too long, before its request was whole: there is nobody to answer. */
export class RequestAborted extends Error {
  override readonly name = "RequestAborted";
}

/** A message over the `limit` of its service, in bytes. */
export function tooLarge(limit: number): AuthError {
  return new AuthError("too_large", `the request has more than ${limit} bytes`);
}

/**
 * Reads the body: a message of at most `limit` bytes and, where its protocol has one, an envelope of `around` more.
 * @throws AuthError `too_large` over that; RequestAborted when it never becomes whole
 */
export function readBody(request: IncomingMessage | Http2ServerRequest, limit: number, around = 0): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let ended = false;
    // Node bounds the time of an HTTP/1 request by itself (requestTimeout), and of none over HTTP/2.
    const timer = "stream" in request ? setTimeout(() => abandon(request), BODY_TIMEOUT_MS) : undefined;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit + around) chunks.push(chunk);
      else if (size <= limit + around + MAX_DROPPED_BYTES) reject(tooLarge(limit));
      else abandon(request);
    });
    request.on("end", () => {
      ended = true;
      clearTimeout(timer);
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    const abort = (): void => {
      clearTimeout(timer);
      if (!ended) reject(new RequestAborted("the connection closed, or the body took too long"));
    };
    request.on("error", abort);
    request.on("close", abort);
  });
}

/** Ends a request that is not to be read any further: its stream over HTTP/2, its connection over HTTP/1. */
function abandon(request: IncomingMessage | Http2ServerRequest): void {
  if ("stream" in request) request.stream.close(constants.NGHTTP2_CANCEL);
  else request.destroy();
}
