// The bodies of Connect, gRPC-Web and gRPC as they arrive: enveloped, compressed. Knows no method and no service.

import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { AuthError, malformed } from "../core/errors.ts";
import { MAX_MESSAGE_BYTES, tooLarge } from "./body.ts";

/** What an envelope adds to a message: a byte of flags, four of length (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export const ENVELOPE_BYTES = 5;
const COMPRESSED = 1;

/** Puts an uncompressed message into an envelope. */
export function envelop(message: Uint8Array): Buffer {
  const envelope = Buffer.alloc(ENVELOPE_BYTES);
  envelope.writeUInt32BE(message.length, 1);
  return Buffer.concat([envelope, message]);
}

/** The one message of a unary call's body, uncompressed. @throws AuthError when it is not exactly that */
export async function openEnvelope(body: Buffer, coding: string | undefined): Promise<Buffer> {
  if (body.length < ENVELOPE_BYTES || body.readUInt32BE(1) !== body.length - ENVELOPE_BYTES) {
    throw malformed("the body is not one length-prefixed message");
  }
  const message = body.subarray(ENVELOPE_BYTES);
  return body.readUInt8(0) & COMPRESSED ? decompress(message, coding) : message;
}

type Decoder = (data: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ["gzip", promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)],
  ["deflate", promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate)],
]);

/**
 * Undoes a content coding, never to more than a message may have.
 * @throws AuthError `unsupported_media_type`, `too_large` or `malformed`
 */
export async function decompress(bytes: Buffer, coding: string | undefined): Promise<Buffer> {
  if (coding === undefined || coding === "" || coding === "identity") return bytes;
  const decoder = DECODERS.get(coding);
  if (decoder === undefined) {
    throw new AuthError(
      "unsupported_media_type",
      "the message is compressed in a way that is not served. Use gzip or none",
    );
  }
  try {
    return await decoder(bytes, { maxOutputLength: MAX_MESSAGE_BYTES });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge();
    throw malformed("the message is not compressed as its header says");
  }
}
