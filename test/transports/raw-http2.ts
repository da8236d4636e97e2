// HTTP/2 by hand: frames as a stranger may write them, in whatever order and as many at once (RFC 9113, RFC 7541).

import { once } from "node:events";
import { connect, type Socket } from "node:net";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const HEADERS = 0x1;
const RST_STREAM = 0x3;
const SETTINGS = 0x4;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;
const CANCEL = 0x8;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Each header as a literal that is in no table, uncompressed. */
function encode(headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.of(Buffer.byteLength(value)), Buffer.from(value)]);
  return Buffer.concat(Object.entries(headers).flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

const settings: Buffer = frame(SETTINGS, 0, 0, Buffer.alloc(0));

export function openStream(stream: number, headers: Readonly<Record<string, string>>, ends = true): Buffer {
  return frame(HEADERS, END_HEADERS | (ends ? END_STREAM : 0), stream, encode(headers));
}

export function resetStream(stream: number): Buffer {
  const code = Buffer.alloc(4);
  code.writeUInt32BE(CANCEL);
  return frame(RST_STREAM, 0, stream, code);
}

/** Connects and writes everything in one piece; what comes back is read and dropped. */
export async function writeAtOnce(url: string, ...frames: readonly Buffer[]): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  socket.write(Buffer.concat([PREFACE, settings, ...frames]));
  return socket;
}
