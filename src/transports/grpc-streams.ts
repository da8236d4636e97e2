// What a stream of the internal listener's HTTP/2 is: a call for grpc-js, a mistake that it would tell in words of its own, or
// a request of another protocol. Knows no service.

import {
  constants,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { AuthError } from "../core/errors.ts";
import { decoderOf } from "./coding.ts";
import { readGrpcTimeout } from "./deadline.ts";
import type { HttpHandler } from "./http.ts";

const MEDIA_TYPE = /^application\/grpc(?:\+proto)?$/i;
/** A stream that moves no byte for so long, in milliseconds, is given up. */
const IDLE_MS = 30_000;

/** Whether a request is gRPC at all; others may share the port. */
export function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers["content-type"]?.toLowerCase().startsWith("application/grpc") ?? false;
}

/** @throws AuthError for a call that grpc-js would refuse without a reason */
export function checkCall(headers: IncomingHttpHeaders): void {
  if (headers[":method"] !== "POST") {
    throw new AuthError("method_not_allowed", "methods are called with POST", { allow: ["POST"] });
  }
  if (!MEDIA_TYPE.test(headers["content-type"] ?? "")) {
    throw new AuthError("unsupported_media_type", "the Content-Type is none that Connect, gRPC or gRPC-Web has");
  }
  const encoding = headers["grpc-encoding"];
  decoderOf(typeof encoding === "string" ? encoding : undefined);
  readGrpcTimeout(headers["grpc-timeout"]);
}

/** Hands a stream that is no gRPC to the handler of the port. */
export function handOver(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, handle: HttpHandler): void {
  stream.on("error", () => stream.destroy());
  closeIdle(stream);
  void handle(new Http2ServerRequest(stream, headers, {}, []), new Http2ServerResponse(stream));
}

/** Gives a stream up that neither sends nor takes anything. */
export function closeIdle(stream: ServerHttp2Stream): void {
  stream.setTimeout(IDLE_MS, () => stream.close(constants.NGHTTP2_CANCEL));
}
