// The bodies of gRPC-Web and gRPC as they arrive: one message in an envelope. Knows no method and no service.

import { type AuthError, malformed } from "../core/errors.ts";
import { decoderOf, decompress } from "./coding.ts";

/** What an envelope adds to a message: a byte of flags, four of length (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export const ENVELOPE_BYTES = 5;
const COMPRESSED = 1;

/** Puts an uncompressed message into an envelope. */
export function envelop(message: Uint8Array): Buffer {
  const envelope = Buffer.alloc(ENVELOPE_BYTES);
  envelope.writeUInt32BE(message.length, 1);
  return Buffer.concat([envelope, message]);
}

/** A unary call is of one message, whole. */
export function notOneMessage(): AuthError {
  return malformed("the body is not one length-prefixed message");
}

/** The one message of a unary call's body, uncompressed: at most `limit` bytes. @throws AuthError when it is not exactly that */
export async function openEnvelope(body: Buffer, coding: string | undefined, limit: number): Promise<Buffer> {
  if (body.length < ENVELOPE_BYTES || body.readUInt32BE(1) !== body.length - ENVELOPE_BYTES) {
    throw notOneMessage();
  }
  const message = body.subarray(ENVELOPE_BYTES);
  const compressed = body.readUInt8(0) === COMPRESSED;
  const coded = decoderOf(coding) !== undefined;
  if ((body.readUInt8(0) !== 0 && !compressed) || (compressed && !coded)) {
    throw malformed("the message has flags that a request does not have");
  }
  return compressed ? decompress(message, coding, limit) : message;
}
