// Content codings (RFC 9110, 8.4): undone for what comes in, gzip for what goes out where it is asked for and pays. Knows
// no protocol.

import { promisify } from "node:util";
import { gunzip, gzip, inflate } from "node:zlib";
import { AuthError, malformed } from "../core/errors.ts";
import { tooLarge } from "./body.ts";

/** Below this a body fits one packet as it is, and compressing it pays nobody. In characters: no more than its bytes. */
const COMPRESSED_FROM = 1_024;

export const compressGzip: (body: string | Uint8Array) => Promise<Buffer> = promisify<string | Uint8Array, Buffer>(
  gzip,
);

/** Whether a body is worth compressing at all. */
export function isCompressible(body: string | Uint8Array): boolean {
  return body.length >= COMPRESSED_FROM;
}

/** A body compressed by gzip; undefined where it does not pay, or is not asked for. */
export function compress(
  body: string | Uint8Array,
  acceptEncoding: string | string[] | undefined,
): Promise<Buffer> | undefined {
  return isCompressible(body) && acceptsGzip(acceptEncoding) ? compressGzip(body) : undefined;
}

/** RFC 9110, 12.5.3: gzip is named, and not with a weight of zero. */
export function acceptsGzip(acceptEncoding: string | string[] | undefined): boolean {
  if (acceptEncoding === undefined) return false;
  const codings = String(acceptEncoding).toLowerCase().split(",");
  // Trimmed first: a pattern that skips white space on its own would go over a stranger's spaces again and again.
  return codings.some((coding) => /^(gzip|\*)\s*(;\s*q=(1(\.0*)?|0\.0*[1-9]\d*))?$/.test(coding.trim()));
}

/** The etag of what was compressed: other bytes, so another strong one (RFC 9110, 8.8.3.3). */
export function compressedEtag(etag: string): string {
  return etag.replace(/"$/, '-gzip"');
}

type Decoder = (data: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ["gzip", promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)],
  ["deflate", promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate)],
]);

/** What undoes a coding; undefined where there is none. @throws AuthError `unsupported_media_type` */
export function decoderOf(coding: string | undefined): Decoder | undefined {
  if (coding === undefined || coding === "" || coding === "identity") return undefined;
  const decoder = DECODERS.get(coding);
  if (decoder !== undefined) return decoder;
  throw new AuthError(
    "unsupported_media_type",
    "the message is compressed in a way that is not served. Use gzip or none",
  );
}

/** What does not come apart as its header says. */
export function notCompressed(): AuthError {
  return malformed("the message is not compressed as its header says");
}

/**
 * Undoes a content coding, never to more than `limit` bytes.
 * @throws AuthError `unsupported_media_type`, `too_large` or `malformed`
 */
export function decompress(bytes: Buffer, coding: string | undefined, limit: number): Buffer | Promise<Buffer> {
  const decoder = decoderOf(coding);
  if (decoder === undefined) return bytes;
  return decoder(bytes, { maxOutputLength: limit }).catch((error: unknown) => {
    throw error instanceof RangeError ? tooLarge(limit) : notCompressed();
  });
}
