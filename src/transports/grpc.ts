// Native gRPC through grpc-js, on connections that a listener hands over. Knows no service.

import type { Socket } from "node:net";
import { type DescMessage, type DescMethodUnary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { MAX_MESSAGE_BYTES, tooLarge } from "./body.ts";
import { methodPath, perform, type TransportOptions, type UnaryMethod, unaryMethods } from "./call.ts";
import { createCaller, type RequestCaller, valuesOf } from "./caller.ts";
import { DirectContext } from "./context.ts";
import { LONGEST_MS } from "./deadline.ts";
import { errorHeaders, internalError } from "./errors.ts";
import { admit, boundMessage } from "./grpc-admission.ts";
import { holdReads } from "./grpc-backpressure.ts";
import { addIntrospection } from "./grpc-introspection.ts";
import { fetchHeadersOf, hostOf, metadataOf, metadataReader } from "./grpc-metadata.ts";
import { limitPings } from "./grpc-pings.ts";
import { explainLibraryRefusals, guardStreamAnswers, statusOf } from "./grpc-refusals.ts";
import { HeaderList } from "./header-list.ts";
import type { HttpHandler } from "./http.ts";
import { readBinary } from "./message.ts";

export interface GrpcTransport {
  /** Takes over a connection that opened with the HTTP/2 preface. */
  readonly accept: (socket: Socket) => void;
  /** Lets calls finish for at most `graceMs`, then ends every session. */
  readonly close: (graceMs: number) => Promise<void>;
}

const MAX_CONCURRENT_STREAMS = 100;
const MAX_SESSION_MEGABYTES = 16;
const MAX_IDLE_MS = 10 * 60_000;
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;

/**
 * Serves the services' unary methods.
 * @param handleOther answers what comes over the same HTTP/2 and is no gRPC
 */
export function createGrpc(options: TransportOptions, handleOther?: HttpHandler): GrpcTransport {
  // It writes what clients sent to standard error, their tokens included.
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const targets = unaryMethods(options.services);
  const byPath = new Map(targets.map((target) => [methodPath(target.method), target]));
  const largest = Math.max(MAX_MESSAGE_BYTES, ...targets.map(({ maxMessageBytes }) => maxMessageBytes));
  const server = new grpc.Server({
    "grpc.max_receive_message_length": largest,
    "grpc.max_concurrent_streams": MAX_CONCURRENT_STREAMS,
    "grpc.max_connection_idle_ms": MAX_IDLE_MS,
    // A peer that is gone without a word is found out, and its session ended.
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.enable_channelz": 0,
    "grpc-node.max_session_memory": MAX_SESSION_MEGABYTES,
    interceptors: [
      (method, call) => {
        const target = byPath.get(method.path);
        if (target === undefined) return holdReads(method, call);
        boundMessage(call, target.maxMessageBytes);
        return admit(target, explainLibraryRefusals(target, call, options), options);
      },
    ],
  });
  guardStreamAnswers(server, new Set(byPath.keys()), options, handleOther);
  for (const target of targets) {
    const { name } = target.method;
    server.addService({ [name]: defineMethod(target.method) }, { [name]: createHandler(target, options) });
  }
  const introspection = addIntrospection(
    server,
    options.services.map(({ spec }) => spec),
  );
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  limitPings(server, options);

  return {
    accept: (socket) => {
      // A client that has ended its side of HTTP/2 says nothing any more, nor takes notice.
      socket.allowHalfOpen = false;
      injector.injectConnection(socket);
    },
    close: (graceMs) =>
      new Promise((resolve) => {
        introspection.drain();
        // The library does not call back for a session that was destroyed at that very moment.
        const timer = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, graceMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
        injector.drain(graceMs);
      }),
  };
}

/** Bytes in and out: decoding is the handler's, so that a message which does not decode is told as every other mistake. */
function defineMethod(method: DescMethodUnary): grpc.MethodDefinition<Buffer, Buffer> {
  const asIs = (bytes: Buffer): Buffer => bytes;
  return {
    path: methodPath(method),
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

type UnaryCall = grpc.ServerUnaryCall<Buffer, Buffer>;

function createHandler(target: UnaryMethod, options: TransportOptions): grpc.handleUnaryCall<Buffer, Buffer> {
  const { method, maxMessageBytes } = target;
  const { input, output } = method;
  // The guard was asked before the message was read.
  const admitted = { ...target, guard: undefined };
  const { callerFrom = createCaller } = options;

  async function answer(call: UnaryCall, callback: grpc.sendUnaryData<Buffer>): Promise<void> {
    const caller = callerFrom(hostOf(call.getPeer()), "grpc", metadataReader(call.metadata));
    const context = createContext(call, method, caller, options.now);
    const read = (): MessageShape<DescMessage> => readRequest(input, call.request, maxMessageBytes);
    const write = (message: MessageShape<DescMessage>): Buffer => Buffer.from(toBinary(output, message));
    const outcome = await perform(admitted, { caller, context, read, write }, options);
    if ("answer" in outcome) {
      call.sendMetadata(metadataOf(context.responseHeader));
      callback(null, outcome.answer, context.trailer && metadataOf(context.trailer));
    } else {
      const { refusal } = outcome;
      const { code, details, metadata } = statusOf(refusal);
      metadata.merge(metadataOf(context.trailer ?? []));
      // What a Connect handler says of its error are trailers; the contract's headers come first.
      if (refusal instanceof ConnectError) metadata.merge(metadataOf(errorHeaders(refusal)));
      else for (const [name, value] of errorHeaders(refusal)) context.responseHeader.set(name, value);
      call.sendMetadata(metadataOf(context.responseHeader));
      callback({ code, details, metadata });
    }
  }

  return (call, callback) => {
    answer(call, callback).catch((error: unknown) => {
      options.onFault(error);
      callback(statusOf(internalError("-", error)));
    });
  };
}

function readRequest<Desc extends DescMessage>(desc: Desc, bytes: Buffer, limit: number): MessageShape<Desc> {
  if (bytes.length > limit) throw tooLarge(limit);
  return readBinary(desc, bytes);
}

function createContext(
  call: UnaryCall,
  method: DescMethodUnary,
  caller: RequestCaller,
  now: () => number,
): DirectContext {
  // Nobody is waited for longer than that, whatever they said.
  const deadline = Math.min(Number(call.getDeadline()), now() + LONGEST_MS);

  return new DirectContext({
    method,
    protocolName: "grpc",
    requestMethod: "POST",
    url: call.getPath(),
    values: valuesOf(caller),
    requestHeader: () => fetchHeadersOf(call.metadata),
    responseHeader: new HeaderList(),
    ...(Number.isFinite(Number(call.getDeadline())) && { remainingMs: () => Math.max(0, deadline - now()) }),
    onAbandoned: (abandon) => {
      // A call that is cancelled at its deadline is late; one before it has lost its caller.
      const tell = (): void => abandon(deadline <= now() ? "late" : "gone");
      if (call.cancelled) tell();
      else call.once("cancelled", tell);
    },
  });
}
