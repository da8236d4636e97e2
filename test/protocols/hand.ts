// Sends calls over HTTP/1.1 and HTTP/2 with any headers and body.

import { once } from "node:events";
import { request as requestHttp1 } from "node:http";
import { type ClientHttp2Stream, connect } from "node:http2";
import { buffer } from "node:stream/consumers";
import { fromBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { StatusSchema } from "../../gen/es/google/rpc/status_pb.ts";

export interface HandRequest {
  readonly version: 1 | 2;
  /** POST when absent. */
  readonly method?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: Uint8Array;
  /** Leaves the body open after these bytes. */
  readonly isUnfinished?: boolean;
}

export interface HandAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** Sends a request on its own connection, and reads the whole answer. */
export function sendByHand(url: string, request: HandRequest): Promise<HandAnswer> {
  return request.version === 1 ? sendHttp1(url, request) : sendHttp2(url, request);
}

async function sendHttp1(url: string, { method = "POST", path, headers, body, isUnfinished }: HandRequest) {
  const request = requestHttp1(url + path, { method, headers, agent: false });
  request.on("error", () => {});
  if (body !== undefined) request.write(body);
  if (isUnfinished) request.flushHeaders();
  else request.end();
  const [response] = await once(request, "response");
  const answer = await buffer(response);
  request.destroy();
  return { status: response.statusCode, headers: response.headers, trailers: response.trailers, body: answer };
}

async function sendHttp2(url: string, request: HandRequest): Promise<HandAnswer> {
  const { stream, end } = openHttp2(url, request);
  const answer = await readHttp2(stream);
  end();
  return answer;
}

/** Reads the whole answer of a stream. */
export async function readHttp2(stream: ClientHttp2Stream): Promise<HandAnswer> {
  let trailers = {};
  stream.on("trailers", (fields) => {
    trailers = fields;
  });
  const [headers] = await once(stream, "response");
  const body = await buffer(stream);
  return { status: Number(headers[":status"]), headers, trailers, body };
}

/** Opens an HTTP/2 call whose stream the test handles itself. */
export function openHttp2(
  url: string,
  { method = "POST", path, headers, body = Buffer.alloc(0), isUnfinished = false }: Omit<HandRequest, "version">,
): { readonly stream: ClientHttp2Stream; readonly end: () => void } {
  const session = connect(url);
  const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: false });
  stream.on("error", () => {});
  if (body.length > 0) stream.write(body);
  if (!isUnfinished) stream.end();
  return { stream, end: () => session.destroy() };
}

/** A message in gRPC's envelope, whose declared length may be wrong. */
export function envelope(message: Uint8Array, flags = 0, length: number = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** Reads an answer of gRPC or gRPC-Web; the trailers are in the body (gRPC-Web), in the headers ("trailers-only") or in HTTP's trailers. */
export function readGrpc({ headers, trailers, body }: HandAnswer) {
  const frames: { flags: number; bytes: Buffer }[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    frames.push({ flags: body.readUInt8(at), bytes: body.subarray(at + 5, end) });
    at = end;
  }
  const trailerFrame = frames.find(({ flags }) => flags === 0x80)?.bytes.toString();
  const lines = trailerFrame?.match(/[^\r\n]+/g)?.map((line) => line.split(": "));
  const fields = lines === undefined ? ("grpc-status" in headers ? headers : trailers) : Object.fromEntries(lines);
  return {
    code: Number(fields["grpc-status"]),
    message: decodeURIComponent(String(fields["grpc-message"] ?? "")),
    /** The message without its envelope; undefined in an error. */
    response: frames.find(({ flags }) => flags === 0)?.bytes,
    headers,
    trailers: fields,
  };
}

/** The error that `grpc-status-details-bin` describes. */
export function readStatus(bytes: Uint8Array, message: string): ConnectError {
  const { code, details } = fromBinary(StatusSchema, bytes);
  const error = new ConnectError(message, code);
  error.details = details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value }));
  return error;
}
