// Reads a gateway's HTTP/2 frames, as far as an attack needs.

import type { Socket } from "node:net";
import { afterFrames, readFrames } from "../frames.ts";

const DATA = 0x0;
const HEADERS = 0x1;
const RST_STREAM = 0x3;
const END_STREAM = 0x1;
/** `:status` of the static table, as indexed fields (RFC 7541, appendix A). */
const INDEXED_500 = 0x8e;
/** A literal with the name `:status`, which is entry 8: indexed, or not, or never. */
const LITERAL_STATUS = [0x48, 0x08, 0x18];
/** The digit 5: as it is, and in six bits of the Huffman code (RFC 7541, appendix B). */
const FIVE = { plain: 0x35, huffman: 0b011011 };

/** Counts the streams that the gateway has ended: answered whole, or reset. */
export function countEndedStreams(socket: Socket): () => number {
  const ended = new Set<number>();
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (const { type, flags, stream } of readFrames(rest)) {
      const isLast = (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0;
      if (isLast || type === RST_STREAM) ended.add(stream);
    }
    rest = Buffer.from(afterFrames(rest));
  });
  return () => ended.size;
}

/** Whether the first answer of a connection has a status of 5xx. */
export function isServerError(bytes: Buffer): boolean {
  const answer = [...readFrames(bytes)].find(({ type }) => type === HEADERS);
  if (answer === undefined) return false;
  const [first = 0, length = 0, digit = 0] = answer.payload;
  if (first === INDEXED_500) return true;
  if (!LITERAL_STATUS.includes(first)) return false;
  return length >= 0x80 ? digit >> 2 === FIVE.huffman : digit === FIVE.plain;
}
