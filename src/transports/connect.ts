// Connect, gRPC-Web and gRPC through Connect's own machinery, on any port it is mounted on. Knows no service.

import { type DescMethod, fromBinary } from "@bufbuild/protobuf";
import { type ContextValues, createConnectRouter, createContextKey } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import { AuthError, malformed } from "../core/errors.ts";
import { MAX_MESSAGE_BYTES, RequestAborted, readBody, tooLarge } from "./body.ts";
import { perform, type TransportOptions, type UnaryMethod, unaryMethods } from "./call.ts";
import { callerOf, createCaller, valuesOf } from "./caller.ts";
import { clampDeadline } from "./deadline.ts";
import { decompress, ENVELOPE_BYTES, envelop, openEnvelope } from "./envelope.ts";
import { asAuthError, errorHeaders, toConnect, toGrpc } from "./errors.ts";
import { spellHeaderName } from "./header-names.ts";
import {
  fetchHeaders,
  type HeaderField,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  pathOf,
  send,
  sendHeaders,
  sendRefusal,
} from "./http.ts";
import { readJson } from "./json.ts";
import { readMessage } from "./message.ts";

export interface ConnectTransport {
  /** Whether a request is a call: by its path (`/package.Service/Method`) or its media type. */
  readonly serves: (request: HttpRequest) => boolean;
  readonly handle: HttpHandler;
}

/** A request that was found wanting before Connect saw it; the wrapped handler throws it, in the caller's protocol. */
const refusalKey = createContextKey<AuthError | undefined>(undefined, { description: "refusal" });

/** Serves the services' methods. Connect never sees a stranger's Host, nor a body or deadline that was not checked. */
export function createConnect(options: TransportOptions): ConnectTransport {
  const router = createConnectRouter({ acceptCompression: [compressionGzip], readMaxBytes: 2 * MAX_MESSAGE_BYTES });
  const guards = new Map<DescMethod, UnaryMethod["guard"]>();
  for (const target of unaryMethods(options.services)) {
    guards.set(target.method, target.guard);
    router.rpc(target.method, translateErrors(target, options));
  }
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  function find(request: HttpRequest, contentType: string): UniversalHandler {
    const handler = handlers.get(pathOf(request));
    if (handler === undefined) throw new AuthError("not_found", "there is no such method");
    if (request.method !== "POST") {
      throw new AuthError("method_not_allowed", "methods are called with POST", { allow: ["POST"] });
    }
    if (protocolOf(contentType) === "grpc" && request.httpVersionMajor < 2) {
      throw new AuthError(
        "unsupported_media_type",
        "gRPC takes HTTP 2. Over HTTP 1 there are REST and Connect and gRPC-Web",
      );
    }
    if (handler.supportedContentType(contentType)) return handler;
    throw new AuthError("unsupported_media_type", "the Content-Type is none that Connect, gRPC or gRPC-Web has");
  }

  async function answer(request: HttpRequest, response: HttpResponse): Promise<void> {
    const contentType = contentTypeOf(request);
    const caller = createCaller(request.socket.remoteAddress, protocolOf(contentType));
    try {
      const handler = find(request, contentType);
      const values = valuesOf(caller);
      const headers = fetchHeaders(request);
      const body = await accept(request, handler.method, guards.get(handler.method), headers, values);
      await respond(response, await run(handler, request, response, headers, body, values));
    } catch (error) {
      if (error instanceof RequestAborted) throw error;
      const refusal = asAuthError(error, caller.requestId);
      options.onRefused(refusal, caller);
      refuse(response, refusal, contentType);
    }
  }

  return {
    serves: (request) => handlers.has(pathOf(request)) || contentTypeOf(request).startsWith("application/grpc"),
    handle: answer,
  };
}

/** Media types are compared without regard to case (RFC 9110, 8.3.1). */
function contentTypeOf(request: HttpRequest): string {
  return (request.headers["content-type"] ?? "").toLowerCase();
}

function protocolOf(contentType: string): string {
  if (contentType.startsWith("application/grpc-web")) return "grpc-web";
  return contentType.startsWith("application/grpc") ? "grpc" : "connect";
}

function translateErrors(target: UnaryMethod, options: TransportOptions): UnaryMethod["handle"] {
  return async (message, context) => {
    const read = (): typeof message => {
      const refusal = context.values.get(refusalKey);
      if (refusal !== undefined) throw refusal;
      return message;
    };
    // The guard was asked before the body was read.
    const outcome = await perform(
      { ...target, guard: undefined },
      { caller: callerOf(context), context, read },
      options,
    );
    if ("message" in outcome) return outcome.message;
    for (const [name, value] of errorHeaders(outcome.refusal)) context.responseHeader.set(name, value);
    throw toConnect(outcome.refusal);
  };
}

/**
 * Lets the caller in, reads and checks what it sent. A request that does not do is noted among `values`, and an empty
 * one given in its place, so that the handler is reached and answers in the caller's protocol.
 */
async function accept(
  request: HttpRequest,
  method: DescMethod,
  guard: UnaryMethod["guard"],
  headers: Headers,
  values: ContextValues,
): Promise<Uint8Array> {
  const contentType = contentTypeOf(request);
  headers.set("content-type", contentType);
  const enveloped = contentType.startsWith("application/grpc");
  const json = /[/+]json\b/.test(contentType);
  const coding = headers.get(enveloped ? "grpc-encoding" : "content-encoding") ?? undefined;
  // What Connect is given is plain, and not of the length that was sent.
  for (const name of ["grpc-encoding", "content-encoding", "content-length"]) headers.delete(name);
  try {
    guard?.(headers);
    clampDeadline(headers);
    const body = await readBody(request, MAX_MESSAGE_BYTES + (enveloped ? ENVELOPE_BYTES : 0));
    const message = enveloped ? await openEnvelope(body, coding) : await decompress(body, coding);
    checkMessage(method, message, json);
    return enveloped ? envelop(message) : message;
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    values.set(refusalKey, error);
    headers.delete("connect-timeout-ms");
    headers.delete("grpc-timeout");
    const empty = Buffer.from(json ? "{}" : "");
    return enveloped ? envelop(empty) : empty;
  }
}

function checkMessage(method: DescMethod, message: Uint8Array, json: boolean): void {
  if (message.length > MAX_MESSAGE_BYTES) throw tooLarge();
  if (json) {
    readMessage(method.input, readJson(message));
    return;
  }
  try {
    fromBinary(method.input, message);
  } catch {
    throw malformed("the body is not a protobuf message of this method");
  }
}

function run(
  handler: UniversalHandler,
  request: HttpRequest,
  response: HttpResponse,
  header: Headers,
  body: Uint8Array,
  contextValues: ContextValues,
): Promise<UniversalServerResponse> {
  const abort = new AbortController();
  response.once("close", () => abort.abort());
  return handler({
    httpVersion: request.httpVersion,
    method: "POST",
    // Connect parses it; a stranger's Host or :authority must not get there.
    url: `http://countersign${handler.requestPath}`,
    header,
    body: once(body),
    signal: abort.signal,
    contextValues,
  });
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

async function respond(
  response: HttpResponse,
  { status, header, body, trailer }: UniversalServerResponse,
): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  header?.delete("content-length");
  const fields: HeaderField[] = [...(header ?? [])].map(([name, value]) => [spellHeaderName(name), value]);
  // HTTP/1 carries no trailers here: gRPC-Web and Connect put theirs into the body.
  if (trailer !== undefined && "stream" in response) response.addTrailers(Object.fromEntries(trailer));
  send(response, status, fields, Buffer.concat(chunks));
}

/** Answers what no handler was found for: to gRPC and gRPC-Web in headers alone ("trailers-only"), to all else as REST. */
function refuse(response: HttpResponse, refusal: AuthError, contentType: string): void {
  const http2 = "stream" in response;
  if (protocolOf(contentType) === "connect" || (protocolOf(contentType) === "grpc" && !http2)) {
    sendRefusal(response, refusal, []);
    return;
  }
  const { code, message, details } = toGrpc(refusal);
  const web = protocolOf(contentType) === "grpc-web";
  const headers: readonly HeaderField[] = [
    ["Content-Type", web ? "application/grpc-web+proto" : "application/grpc"],
    ["Grpc-Status", String(code)],
    ["Grpc-Message", encodeURIComponent(message)],
    ["Grpc-Status-Details-Bin", details.toString("base64")],
  ];
  if (http2) sendHeaders(response, 200, headers);
  else send(response, 200, headers, "");
}
