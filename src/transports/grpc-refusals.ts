// What grpc-js refuses by itself, made to look like every other refusal, and kept from ending the process. Knows the
// library's insides as they are in 1.14, and no service.

import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import * as grpc from "@grpc/grpc-js";
import { AuthError } from "../core/errors.ts";
import { tooLarge } from "./body.ts";
import type { TransportOptions, UnaryMethod } from "./call.ts";
import { createCaller, headersOf } from "./caller.ts";
import { notCompressed } from "./coding.ts";
import { notOneMessage } from "./envelope.ts";
import { type Refusal, toGrpc } from "./errors.ts";
import { hostOf, metadataReader } from "./grpc-metadata.ts";
import { checkCall, closeIdle, handOver, isGrpc } from "./grpc-streams.ts";
import { type HttpHandler, isOver } from "./http.ts";

const DETAILS = "grpc-status-details-bin";
const NOTHING = new grpc.Metadata();
const NO_REFUSALS = [grpc.status.OK, grpc.status.CANCELLED, grpc.status.DEADLINE_EXCEEDED];

/** A refusal as a gRPC status with its details. */
export function statusOf(refusal: Refusal): grpc.StatusObject {
  const { code, message, details } = toGrpc(refusal);
  const metadata = new grpc.Metadata();
  metadata.set(DETAILS, details);
  return { code, details: message, metadata };
}

/**
 * Before a handler is reached the library refuses what is no well-formed call: a message over its bound, a broken
 * compression, a deadline it cannot read. It does so on the call itself, where no interceptor hears of it.
 */
export function explainLibraryRefusals(
  { maxMessageBytes }: Pick<UnaryMethod, "maxMessageBytes">,
  call: grpc.ServerInterceptingCallInterface,
  { callerFrom = createCaller, onRefused }: Pick<TransportOptions, "callerFrom" | "onRefused">,
): grpc.ServerInterceptingCall {
  let received = NOTHING;
  const send = call.sendStatus.bind(call);
  call.sendStatus = (status) => {
    // What it throws at itself is no whole status.
    const told = status.metadata?.get(DETAILS).length ?? 0;
    if (told > 0 || NO_REFUSALS.includes(status.code)) {
      send(status);
      return;
    }
    const refusal = explain(status, maxMessageBytes);
    onRefused(refusal, callerFrom(hostOf(call.getPeer()), "grpc", metadataReader(received)));
    send(statusOf(refusal));
  };
  return new grpc.ServerInterceptingCall(
    call,
    new grpc.ResponderBuilder()
      .withStart((next) =>
        next({
          onReceiveMetadata(metadata, pass) {
            received = metadata;
            pass(metadata);
          },
        }),
      )
      .build(),
  );
}

/** By what the library says of it, in words that no caller is shown. */
function explain({ code, details }: Pick<grpc.StatusObject, "code" | "details">, limit: number): AuthError {
  if (code === grpc.status.RESOURCE_EXHAUSTED) return tooLarge(limit);
  return code === grpc.status.INTERNAL && details.includes("decompress") ? notCompressed() : notOneMessage();
}

/**
 * Where a stream is no call at all, the library answers it on the spot, and throws when its client has reset it
 * meanwhile: any stranger's two frames would end the process. Both of its answers are taken over here.
 * @throws TypeError when the library has no such methods any more
 */
export function guardStreamAnswers(
  server: grpc.Server,
  paths: ReadonlySet<string>,
  { callerFrom = createCaller, onRefused }: Pick<TransportOptions, "callerFrom" | "onRefused">,
  handleOther: HttpHandler | undefined,
): void {
  // The library asks for both answers in one go, of which only the first is given the headers.
  let arrived: IncomingHttpHeaders = {};
  const verifyContentType = takeMethod(server, "_verifyContentType");
  const respondWithError = takeMethod(server, "_respondWithError");
  Object.assign(server, {
    _verifyContentType: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): unknown => {
      if (isOver(stream)) return false;
      arrived = headers;
      if (!isGrpc(headers) && handleOther !== undefined) {
        handOver(stream, headers, handleOther);
        return false;
      }
      try {
        checkCall(headers);
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        refuse(stream, error);
        return false;
      }
      // Streams of calls that go on for long, as of those who watch, are idle by nature.
      if (paths.has(headers[":path"] ?? "")) closeIdle(stream);
      return verifyContentType(stream, headers);
    },
    _respondWithError: (_status: unknown, stream: ServerHttp2Stream, channelz: unknown): void =>
      refuse(stream, new AuthError("not_found", "there is no such method on this listener"), channelz),
  });

  function refuse(stream: ServerHttp2Stream, refusal: AuthError, channelz: unknown = null): void {
    onRefused(refusal, callerFrom(stream.session?.socket.remoteAddress, "grpc", headersOf({ headers: arrived })));
    if (!isOver(stream)) respondWithError(statusOf(refusal), stream, channelz);
  }
}

function takeMethod(server: grpc.Server, name: string): (...args: readonly unknown[]) => unknown {
  const method: unknown = Reflect.get(server, name);
  if (typeof method !== "function") throw new TypeError(`grpc-js has no ${name}: see what took its place`);
  return (...args) => Reflect.apply(method, server, args);
}
