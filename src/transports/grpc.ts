// Native gRPC through grpc-js, on connections that a listener hands over. Knows no service.

import type { Socket } from "node:net";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { HandlerContext, MethodImplSpec } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { malformed } from "../core/errors.ts";
import type { Caller } from "../core/login.ts";
import { MAX_MESSAGE_BYTES, tooLarge } from "./body.ts";
import { createCaller, valuesOf } from "./caller.ts";
import { DirectContext } from "./context.ts";
import { asAuthError, errorHeaders, toGrpc } from "./errors.ts";
import { HeaderList } from "./header-list.ts";
import type { TransportOptions } from "./options.ts";

export interface GrpcTransport {
  /** Takes over a connection that opened with the HTTP/2 preface. */
  readonly accept: (socket: Socket) => void;
  /** Lets calls finish for at most `graceMs`, then ends every session. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** The library's own bound, well over ours: what is too large by ours is told so with its reason. */
const RECEIVE_BYTES = 16 * MAX_MESSAGE_BYTES;
const MAX_CONCURRENT_STREAMS = 1_000;
const MAX_IDLE_MS = 30 * 60_000;

type Unary = Extract<MethodImplSpec, { kind: "unary" }>;

/** Serves the services' unary methods. */
export function createGrpc(options: TransportOptions): GrpcTransport {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": RECEIVE_BYTES,
    "grpc.max_concurrent_streams": MAX_CONCURRENT_STREAMS,
    "grpc.max_connection_idle_ms": MAX_IDLE_MS,
  });
  for (const { methods } of options.services) {
    const definition: Record<string, grpc.MethodDefinition<Buffer, Buffer>> = {};
    const handlers: grpc.UntypedServiceImplementation = {};
    for (const spec of Object.values(methods)) {
      if (spec.kind !== "unary") throw new TypeError("only unary methods are served");
      definition[spec.method.name] = defineMethod(spec.method);
      handlers[spec.method.name] = createHandler(spec, options);
    }
    server.addService(definition, handlers);
  }
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());

  return {
    accept: (socket) => injector.injectConnection(socket),
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), graceMs);
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
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

function createHandler(
  { method, impl }: Unary,
  { onRefused, onFault }: TransportOptions,
): grpc.handleUnaryCall<Buffer, Buffer> {
  async function answer(
    call: grpc.ServerUnaryCall<Buffer, Buffer>,
    callback: grpc.sendUnaryData<Buffer>,
  ): Promise<void> {
    const caller = createCaller(hostOf(call.getPeer()), "grpc");
    const headers = new HeaderList();
    let heard = false;
    try {
      const message = readRequest(method.input, call.request);
      heard = true;
      const result = await impl(message, createContext(call, method, caller, headers));
      call.sendMetadata(metadataOf(headers));
      callback(null, Buffer.from(toBinary(method.output, create(method.output, result))));
    } catch (error) {
      const refusal = asAuthError(error, caller.requestId);
      if (!heard || refusal.reason === "internal") onRefused(refusal, caller);
      for (const [name, value] of errorHeaders(refusal)) headers.set(name, value);
      call.sendMetadata(metadataOf(headers));
      const { code, message, details } = toGrpc(refusal);
      const metadata = new grpc.Metadata();
      metadata.set("grpc-status-details-bin", details);
      callback({ code, details: message, metadata });
    }
  }

  return (call, callback) => {
    answer(call, callback).catch((error: unknown) => {
      onFault(error);
      callback({ code: grpc.status.INTERNAL, details: "an error on the server" });
    });
  };
}

function readRequest<Desc extends DescMessage>(desc: Desc, bytes: Buffer): MessageShape<Desc> {
  if (bytes.length > MAX_MESSAGE_BYTES) throw tooLarge();
  try {
    return fromBinary(desc, bytes);
  } catch {
    throw malformed("the body is not a protobuf message of this method");
  }
}

function createContext(
  call: grpc.ServerUnaryCall<Buffer, Buffer>,
  method: DescMethodUnary,
  caller: Caller,
  responseHeader: HeaderList,
): HandlerContext {
  return new DirectContext({
    service: method.parent,
    method,
    protocolName: "grpc",
    requestMethod: "POST",
    url: call.getPath(),
    values: valuesOf(caller),
    requestHeader: () => {
      const headers = new Headers();
      for (const [name, value] of Object.entries(call.metadata.getMap())) headers.set(name, value.toString());
      return headers;
    },
    responseHeader,
  });
}

function metadataOf(headers: HeaderList): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of headers) metadata.set(name, value);
  return metadata;
}

/** The host of a peer as grpc-js writes it: `address:port`, IPv6 in brackets or not. */
function hostOf(peer: string): string {
  return peer.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}
