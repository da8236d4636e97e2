// Methods by their path (`/package.Service/Method`): which protocol a call is in, and who answers it. Knows no service.

import { AuthError } from "../core/errors.ts";
import { RequestAborted } from "./body.ts";
import { methodPath, type TransportOptions, type UnaryMethod, unaryMethods } from "./call.ts";
import { createCaller, headersOf, type RequestCaller } from "./caller.ts";
import { codecOf, createConnectUnary } from "./connect-unary.ts";
import { internalError, toGrpc } from "./errors.ts";
import { createGrpcWeb } from "./grpc-web.ts";
import {
  type HeaderField,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  pathOf,
  send,
  sendHeaders,
  sendRefusal,
} from "./http.ts";

export interface ConnectTransport {
  /** The paths of its methods. */
  readonly paths: readonly string[];
  /** Whether a request is a call: by its path or its media type. */
  readonly serves: (request: HttpRequest) => boolean;
  readonly handle: HttpHandler;
}

/** Serves the services' methods over Connect, gRPC-Web and, on HTTP/2, gRPC. */
export function createConnect(options: TransportOptions): ConnectTransport {
  const methods = new Map<string, UnaryMethod>(
    unaryMethods(options.services).map((target) => [methodPath(target.method), target]),
  );
  const answerConnect = createConnectUnary(options);
  const grpcWeb = createGrpcWeb(options);
  const { callerFrom = createCaller } = options;

  function find(request: HttpRequest): UnaryMethod {
    const target = methods.get(pathOf(request));
    if (target === undefined) throw new AuthError("not_found", "there is no such method on this listener");
    if (request.method === "POST") return target;
    throw new AuthError("method_not_allowed", "methods are called with POST", { allow: ["POST"] });
  }

  async function answer(
    request: HttpRequest,
    response: HttpResponse,
    contentType: string,
    caller: RequestCaller,
  ): Promise<void> {
    const target = find(request);
    if (caller.protocol === "connect") {
      const codec = codecOf(contentType);
      if (codec === undefined) throw unsupported();
      return answerConnect(target, codec, request, response, caller);
    }
    if (caller.protocol === "grpc" && request.httpVersionMajor < 2) {
      throw new AuthError(
        "unsupported_media_type",
        "gRPC takes HTTP 2. Over HTTP 1 there are REST and Connect and gRPC-Web",
      );
    }
    if (!grpcWeb.takes(target.method, contentType)) throw unsupported();
    return grpcWeb.answer(target, contentType, request, response, caller);
  }

  return {
    paths: [...methods.keys()],
    serves: (request) => methods.has(pathOf(request)) || contentTypeOf(request).startsWith("application/grpc"),
    async handle(request, response) {
      const contentType = contentTypeOf(request);
      const caller = callerFrom(request.socket.remoteAddress, protocolOf(contentType), headersOf(request));
      try {
        await answer(request, response, contentType, caller);
      } catch (error) {
        if (error instanceof RequestAborted) throw error;
        const refusal = error instanceof AuthError ? error : internalError(caller.requestId, error);
        options.onRefused(refusal, caller);
        refuse(response, refusal, caller.protocol);
      }
    },
  };
}

/** Media types are compared without regard to case (RFC 9110, 8.3.1). */
function contentTypeOf(request: HttpRequest): string {
  return (request.headers["content-type"] ?? "").toLowerCase();
}

function protocolOf(contentType: string): "connect" | "grpc-web" | "grpc" {
  if (contentType.startsWith("application/grpc-web")) return "grpc-web";
  return contentType.startsWith("application/grpc") ? "grpc" : "connect";
}

function unsupported(): AuthError {
  return new AuthError("unsupported_media_type", "the Content-Type is none that Connect, gRPC or gRPC-Web has");
}

/** Answers what no method was found for: to gRPC and gRPC-Web in headers alone ("trailers-only"), to all else as REST. */
function refuse(response: HttpResponse, refusal: AuthError, protocol: string): void {
  const http2 = "stream" in response;
  if (protocol === "connect" || (protocol === "grpc" && !http2)) {
    sendRefusal(response, refusal);
    return;
  }
  const { code, message, details } = toGrpc(refusal);
  const headers: readonly HeaderField[] = [
    ["Content-Type", protocol === "grpc-web" ? "application/grpc-web+proto" : "application/grpc"],
    ["Grpc-Status", String(code)],
    ["Grpc-Message", encodeURIComponent(message)],
    ["Grpc-Status-Details-Bin", details.toString("base64")],
  ];
  if (http2) sendHeaders(response, 200, headers);
  else send(response, 200, headers, "");
}
