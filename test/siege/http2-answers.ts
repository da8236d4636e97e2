// Reads a gateway's HTTP/2 frames, as far as an attack needs.

import type { Socket } from "node:net";

const HEAD_BYTES = 9;
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

export interface FrameHead {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  /** Where the payload begins, and what is past it. */
  readonly start: number;
  readonly end: number;
}

/** The heads of the whole frames. */
export function frameHeads(bytes: Buffer): readonly FrameHead[] {
  const heads: FrameHead[] = [];
  let at = 0;
  while (at + HEAD_BYTES <= bytes.length) {
    const start = at + HEAD_BYTES;
    const end = start + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const stream = bytes.readUInt32BE(at + 5);
    heads.push({ type: bytes.readUInt8(at + 3), flags: bytes.readUInt8(at + 4), stream, start, end });
    at = end;
  }
  return heads;
}

/** Counts the streams that the gateway has ended: answered whole, or reset. */
export function countEndedStreams(socket: Socket): () => number {
  const ended = new Set<number>();
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    const heads = frameHeads(rest);
    for (const { type, flags, stream } of heads) {
      const isLast = (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0;
      if (isLast || type === RST_STREAM) ended.add(stream);
    }
    rest = Buffer.from(rest.subarray(heads.at(-1)?.end ?? 0));
  });
  return () => ended.size;
}

/** Whether the first answer of a connection has a status of 5xx. */
export function isServerError(bytes: Buffer): boolean {
  const head = frameHeads(bytes).find(({ type }) => type === HEADERS);
  if (head === undefined) return false;
  const [first = 0, length = 0, digit = 0] = bytes.subarray(head.start, head.end);
  if (first === INDEXED_500) return true;
  if (!LITERAL_STATUS.includes(first)) return false;
  return length >= 0x80 ? digit >> 2 === FIVE.huffman : digit === FIVE.plain;
}
