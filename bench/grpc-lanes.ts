// Lanes over gRPC: streams of one HTTP/2 connection. Knows frames and status, not messages.

import { once } from "node:events";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import type { OpenLanes } from "./load.ts";

const PREFIX_BYTES = 5;
const MAX_BODY_BYTES = 65_536;

/** Lanes that call one method, by its path. */
export function openGrpc(path: string): OpenLanes {
  const headers = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "bench",
  };
  return async (origin, count) => {
    const session = connect(origin);
    await once(session, "connect");
    // The streams report the error.
    session.on("error", () => undefined);
    return Array.from({ length: count }, () => ({
      ask: (frame: Buffer) => call(session, headers, frame),
      close: () => session.destroy(),
    }));
  };
}

/** A message with gRPC's prefix: not compressed, and its length. */
export function encodeFrame(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

function decodeFrame(frame: Buffer): Buffer {
  const message = frame.subarray(PREFIX_BYTES);
  if (frame.length < PREFIX_BYTES || frame[0] !== 0 || frame.readUInt32BE(1) !== message.length)
    throw new Error("not one plain message");
  return message;
}

function call(session: ClientHttp2Session, headers: Record<string, string>, frame: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers);
    const chunks: Buffer[] = [];
    let received = 0;
    let status: unknown;
    let outcome: IncomingHttpHeaders = {};
    stream.on("response", (fields) => {
      status = fields[":status"];
      outcome = fields;
    });
    stream.on("trailers", (fields) => {
      outcome = fields;
    });
    stream.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (received > MAX_BODY_BYTES) stream.destroy(new Error("an endless answer"));
      else chunks.push(chunk);
    });
    stream.on("error", reject);
    stream.on("close", () => {
      try {
        if (status !== 200 || outcome["grpc-status"] !== "0")
          throw new Error(`status ${status}, grpc-status ${outcome["grpc-status"]}: ${outcome["grpc-message"]}`);
        resolve(decodeFrame(Buffer.concat(chunks)));
      } catch (error) {
        reject(error);
      }
    });
    stream.end(frame);
  });
}
