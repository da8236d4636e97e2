// Content codings of requests (RFC 9110, 8.4). Answers are not compressed; proxies can do that.

import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { AuthError, malformed } from "../core/errors.ts";

type Decode = (data: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ["gzip", promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)],
  ["deflate", promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate)],
]);

/** The codings that requests may have, as `grpc-accept-encoding` lists them. */
export const ACCEPTED_CODINGS: string = ["identity", ...DECODERS.keys()].join(",");

/** Creates the error for a message over the `limit` of its service, in bytes. */
export function tooLarge(limit: number): AuthError {
  return new AuthError("too_large", `the request has more than ${limit} bytes`);
}

/** The request's coding; undefined for none. @throws AuthError `unsupported_media_type` for an unknown one */
export function readCoding(header: string | string[] | undefined): string | undefined {
  if (header === undefined || header === "" || header === "identity") return undefined;
  const coding = String(header).toLowerCase();
  if (DECODERS.has(coding)) return coding;
  const message = `the message has an unknown compression. Use ${ACCEPTED_CODINGS.replaceAll(",", " or ")}`;
  throw new AuthError("unsupported_media_type", message);
}

/** Decompresses to at most `limit` bytes. @throws AuthError `too_large`, `malformed` */
export function decompress(bytes: Buffer, coding: string | undefined, limit: number): Buffer | Promise<Buffer> {
  const decode = DECODERS.get(coding ?? "");
  if (decode === undefined) return bytes;
  return decode(bytes, { maxOutputLength: limit }).catch((error: unknown) => {
    throw error instanceof RangeError ? tooLarge(limit) : malformed("the message is not compressed as its header says");
  });
}
