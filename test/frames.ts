// Sends and reads raw HTTP/2 frames, in cleartext or over TLS.

import { once } from "node:events";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { connectTo } from "./http/raw-http.ts";

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Frame types (RFC 9113, section 6). */
export const DATA = 0x0;
export const HEADERS = 0x1;
export const RST_STREAM = 0x3;
export const SETTINGS = 0x4;
export const PING = 0x6;
export const GOAWAY = 0x7;
const WINDOW_UPDATE = 0x8;
export const CONTINUATION = 0x9;

const HEAD_BYTES = 9;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;
const INITIAL_WINDOW_SIZE = 0x4;
const CANCEL = 0x8;
/** `:status: 200` as an indexed field (RFC 7541, appendix A). */
const STATUS_200 = 0x88;

export type HeaderFields = Readonly<Record<string, string>>;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Writes a frame of any type. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** SETTINGS; `initialWindow`: the bytes that the server may send on a stream before a WINDOW_UPDATE. */
export function settings(initialWindow?: number): Buffer {
  if (initialWindow === undefined) return frame(SETTINGS, 0, 0);
  const entry = Buffer.alloc(6);
  entry.writeUInt16BE(INITIAL_WINDOW_SIZE);
  entry.writeUInt32BE(initialWindow, 2);
  return frame(SETTINGS, 0, 0, entry);
}

/** HEADERS with the whole header block. */
export function openStream(stream: number, headers: HeaderFields, ends = true): Buffer {
  return frame(HEADERS, END_HEADERS | (ends ? END_STREAM : 0), stream, encode(headers));
}

/** HEADERS with half of the header block, CONTINUATION with the rest. */
export function openStreamInParts(stream: number, headers: HeaderFields, ends = true): readonly [Buffer, Buffer] {
  const block = encode(headers);
  const middle = block.length >> 1;
  return [
    frame(HEADERS, ends ? END_STREAM : 0, stream, block.subarray(0, middle)),
    frame(CONTINUATION, END_HEADERS, stream, block.subarray(middle)),
  ];
}

export function data(stream: number, payload: Buffer, ends = true): Buffer {
  return frame(DATA, ends ? END_STREAM : 0, stream, payload);
}

export function resetStream(stream: number, code: number = CANCEL): Buffer {
  return frame(RST_STREAM, 0, stream, uint32(code));
}

export function ping(): Buffer {
  return frame(PING, 0, 0, Buffer.alloc(8));
}

export function windowUpdate(stream: number, bytes: number): Buffer {
  return frame(WINDOW_UPDATE, 0, stream, uint32(bytes));
}

export function goaway(code: number): Buffer {
  return frame(GOAWAY, 0, 0, Buffer.concat([uint32(0), uint32(code)]));
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Encodes each header as an uncompressed literal without indexing (RFC 7541, section 6.2.2). */
function encode(headers: HeaderFields): Buffer {
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [Buffer.of(0), encodeText(name), encodeText(value)]),
  );
}

/** Encodes a string literal (RFC 7541, section 5.2). */
function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length: number[] = [];
  let rest = bytes.length - 0x7f;
  if (rest < 0) length.push(bytes.length);
  else {
    length.push(0x7f);
    for (; rest >= 0x80; rest >>= 7) length.push(0x80 | (rest & 0x7f));
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** Opens a connection that reads the server's frames. */
export async function openConnection(url: string) {
  const socket = connectTo(url, { allowHalfOpen: true });
  await once(socket, socket instanceof TLSSocket ? "secureConnect" : "connect");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.once("end", () => socket.end());
  const frames: Frame[] = [];
  let arrived = Promise.withResolvers<void>();
  onFrames(socket, (some) => {
    frames.push(...some);
    arrived.resolve();
    arrived = Promise.withResolvers();
  });
  /** @throws Error when the connection ends */
  const waitFor = async (stream: number, isWanted: (frame: Frame) => boolean): Promise<Frame> => {
    for (;;) {
      const found = frames.find((frame) => frame.stream === stream && isWanted(frame));
      if (found !== undefined) return found;
      if (socket.closed) throw new Error("the connection ended");
      await Promise.race([arrived.promise, closed]);
    }
  };
  let preface: readonly Buffer[] = [PREFACE];
  return {
    /** Writes frames in one piece; the preface precedes the first ones. */
    write(...written: readonly Buffer[]) {
      socket.write(Buffer.concat([...preface, ...written]));
      preface = [];
    },
    /** Waits for the first HEADERS of a stream. @returns whether the status is 200 */
    async isOk(stream: number) {
      const { payload } = await waitFor(stream, ({ type }) => type === HEADERS);
      return payload[0] === STATUS_200;
    },
    /** Waits for the end of a stream. @returns the bytes of its DATA */
    async bodyOf(stream: number) {
      await waitFor(stream, isLast);
      const body = frames.filter((frame) => frame.stream === stream && frame.type === DATA);
      return Buffer.concat(body.map(({ payload }) => payload));
    },
    closed,
    destroy: () => void socket.destroy(),
  };
}

/** Whether a frame ends its stream's answer. */
export function isLast({ type, flags }: Frame): boolean {
  return (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0;
}

/** The whole frames at the start of some bytes. */
export function* readFrames(bytes: Buffer): Generator<Frame> {
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const start = at + HEAD_BYTES;
    const end = start + bytes.readUIntBE(at, 3);
    if (end > bytes.length) return;
    const [type, flags, stream] = [bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), bytes.readUInt32BE(at + 5)];
    yield { type, flags, stream, payload: bytes.subarray(start, end) };
    at = end;
  }
}

/** Reads the frames that a socket receives. */
export function onFrames(socket: Socket, take: (frames: readonly Frame[]) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    const frames = [...readFrames(rest)];
    const read = frames.reduce((sum, { payload }) => sum + HEAD_BYTES + payload.length, 0);
    rest = Buffer.from(rest.subarray(read));
    take(frames);
  });
}
