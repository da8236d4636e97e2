// Oracles: the gateway's own handlers behind connectNodeAdapter and behind a grpc-js server.

import { createServer } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import { promisify } from "node:util";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  ConnectError,
  createHandlerContext,
  type HandlerContext,
  type MethodImplSpec,
  type ServiceImplSpec,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { AuthError } from "../../src/core/errors.ts";
import { methodPath } from "../../src/protocols/call.ts";
import { type CallError, errorHeaders, toGrpcTrailers } from "../../src/protocols/errors.ts";
import { listenOnLoopback } from "../free-port.ts";
import { readStatus } from "./hand.ts";

export type Oracles = Awaited<ReturnType<typeof startOracles>>;

type Unary = Extract<MethodImplSpec, { kind: "unary" }>;
type Handle = (
  request: Parameters<Unary["impl"]>[0],
  context: HandlerContext,
) => Promise<MessageInitShape<DescMessage>>;

/** Serves the unary methods of services by each oracle. */
export async function startOracles(specs: readonly ServiceImplSpec[]) {
  const methods = specs
    .flatMap(({ methods }) => Object.values(methods))
    .filter((one): one is Unary => one.kind === "unary");
  const adapter = connectNodeAdapter({
    routes(router) {
      for (const method of methods) router.rpc(method.method, throwConnectErrors(method));
    },
  });
  const sessions = new Set<ServerHttp2Session>();
  const http1 = createServer(adapter);
  const http2 = createHttp2Server(adapter).on("session", (session) => sessions.add(session));
  const native = new grpc.Server();
  for (const method of methods) addToGrpcJs(native, method);
  const bind = promisify(native.bindAsync.bind(native));
  return {
    http1: `http://127.0.0.1:${await listenOnLoopback(http1)}`,
    http2: `http://127.0.0.1:${await listenOnLoopback(http2)}`,
    grpcJs: `http://127.0.0.1:${await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure())}`,
    async close() {
      for (const session of sessions) session.destroy();
      http1.closeAllConnections();
      native.forceShutdown();
      await Promise.all([http1, http2].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** The handler with AuthErrors as ConnectErrors, their headers among the response's. */
function throwConnectErrors({ impl }: Unary): Handle {
  return async (request, context) => {
    try {
      return await impl(request, context);
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      for (const [name, value] of errorHeaders(error)) context.responseHeader.set(name, value);
      throw readStatus(statusOf(error), error.message);
    }
  };
}

/** The bytes of an error's google.rpc.Status. */
function statusOf(error: CallError): Buffer {
  const [, written = ""] = toGrpcTrailers(error).find(([name]) => name === "Grpc-Status-Details-Bin") ?? [];
  return Buffer.from(written, "base64");
}

function addToGrpcJs(server: grpc.Server, unary: Unary): void {
  const { method } = unary;
  const path = methodPath(method);
  const asIs = (bytes: Buffer): Buffer => bytes;
  const request = { requestStream: false, requestSerialize: asIs, requestDeserialize: asIs } as const;
  const response = { responseStream: false, responseSerialize: asIs, responseDeserialize: asIs } as const;
  const handle: grpc.handleUnaryCall<Buffer, Buffer> = async (call, callback) => {
    const init = { service: method.parent, method, protocolName: "grpc", requestMethod: "POST", url: path };
    const context = createHandlerContext(init);
    try {
      const answer = await throwConnectErrors(unary)(fromBinary(method.input, call.request), context);
      call.sendMetadata(metadataOf(context.responseHeader));
      callback(null, Buffer.from(toBinary(method.output, create(method.output, answer))));
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      call.sendMetadata(metadataOf(context.responseHeader));
      const metadata = new grpc.Metadata();
      metadata.set("grpc-status-details-bin", statusOf(error));
      callback({ code: Number(error.code), details: error.rawMessage, metadata });
    }
  };
  server.addService({ [method.name]: { path, ...request, ...response } }, { [method.name]: handle });
}

function metadataOf(headers: Headers): grpc.Metadata {
  return grpc.Metadata.fromHttp2Headers(Object.fromEntries(headers));
}
