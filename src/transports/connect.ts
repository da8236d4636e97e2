// Connect, gRPC-Web and gRPC through Connect's own machinery, on any port it is mounted on. Knows no service.

import type { IncomingHttpHeaders } from "node:http";
import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { type DescMethod, fromBinary } from "@bufbuild/protobuf";
import { type ContextValues, createConnectRouter, createContextKey, type MethodImplSpec } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import { AuthError, malformed } from "../core/errors.ts";
import { MAX_MESSAGE_BYTES, RequestAborted, readBody, tooLarge } from "./body.ts";
import { callerOf, createCaller, valuesOf } from "./caller.ts";
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
  sendRefusal,
} from "./http.ts";
import { readJson } from "./json.ts";
import { readMessage } from "./message.ts";
import type { TransportOptions } from "./options.ts";

export interface ConnectTransport {
  /** Whether a request is a call: by its path (`/package.Service/Method`) or its media type. */
  readonly serves: (request: HttpRequest) => boolean;
  readonly handle: HttpHandler;
}

/** A request that was found wanting before Connect saw it; the wrapped handler throws it, in the caller's protocol. */
const refusalKey = createContextKey<AuthError | undefined>(undefined, { description: "refusal" });

const ENVELOPE_BYTES = 5;
const COMPRESSED = 1;

/** Serves the services' methods. Connect never sees a stranger's Host, nor a body that was not checked. */
export function createConnect({ services, onRefused }: TransportOptions): ConnectTransport {
  const router = createConnectRouter({ acceptCompression: [compressionGzip], readMaxBytes: 2 * MAX_MESSAGE_BYTES });
  for (const { service, methods } of services) {
    for (const spec of Object.values(methods)) {
      if (spec.kind === "unary") router.rpc(spec.method, translateErrors(spec.impl));
      else throw new TypeError(`${service.typeName}: only unary methods are served`);
    }
  }
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  async function answer(request: HttpRequest, response: HttpResponse): Promise<void> {
    const contentType = request.headers["content-type"] ?? "";
    const caller = createCaller(request.socket.remoteAddress, protocolOf(contentType));
    try {
      const handler = handlers.get(pathOf(request));
      if (handler === undefined) throw new AuthError("not_found", "there is no such method");
      if (request.method !== "POST") throw new AuthError("method_not_allowed", "methods are called with POST");
      if (!handler.supportedContentType(contentType)) {
        throw new AuthError("unsupported_media_type", "the Content-Type is none that Connect, gRPC or gRPC-Web has");
      }
      const values = valuesOf(caller);
      const headers = fetchHeaders(request);
      const body = await acceptBody(request, handler.method, contentType, headers, values);
      const refusal = values.get(refusalKey);
      if (refusal !== undefined) onRefused(refusal, caller);
      await respond(response, await run(handler, request, response, headers, body, values));
    } catch (error) {
      if (error instanceof RequestAborted) return;
      const refusal = asAuthError(error, caller.requestId);
      onRefused(refusal, caller);
      refuse(response, refusal, contentType);
    }
  }

  return {
    serves: (request) =>
      handlers.has(pathOf(request)) || request.headers["content-type"]?.startsWith("application/grpc") === true,
    handle: answer,
  };
}

function protocolOf(contentType: string): string {
  if (contentType.startsWith("application/grpc-web")) return "grpc-web";
  return contentType.startsWith("application/grpc") ? "grpc" : "connect";
}

/** Answers what no handler was found for: to gRPC and gRPC-Web in headers alone ("trailers-only"), to all else as REST. */
function refuse(response: HttpResponse, refusal: AuthError, contentType: string): void {
  if (!contentType.startsWith("application/grpc")) {
    sendRefusal(response, refusal, refusal.reason === "method_not_allowed" ? [["Allow", "POST"]] : []);
    return;
  }
  const { code, message, details } = toGrpc(refusal);
  send(
    response,
    200,
    [
      [
        "Content-Type",
        contentType.startsWith("application/grpc-web") ? "application/grpc-web+proto" : "application/grpc",
      ],
      ["Grpc-Status", String(code)],
      ["Grpc-Message", encodeURIComponent(message)],
      ["Grpc-Status-Details-Bin", details.toString("base64")],
    ],
    "",
  );
}

type UnaryHandle = Extract<MethodImplSpec, { kind: "unary" }>["impl"];

function translateErrors(handle: UnaryHandle): UnaryHandle {
  return async (message, context) => {
    try {
      const refusal = context.values.get(refusalKey);
      if (refusal !== undefined) throw refusal;
      return await handle(message, context);
    } catch (error) {
      const refusal = asAuthError(error, callerOf(context).requestId);
      for (const [name, value] of errorHeaders(refusal)) context.responseHeader.set(name, value);
      throw toConnect(refusal);
    }
  };
}

/**
 * Reads and checks the body. One that does not do is noted among `values` and an empty message given in its place, so
 * that the handler is reached and answers in the protocol of the caller.
 */
async function acceptBody(
  request: HttpRequest,
  method: DescMethod,
  contentType: string,
  headers: Headers,
  values: ContextValues,
): Promise<Uint8Array> {
  const enveloped = contentType.startsWith("application/grpc");
  const json = /[/+]json\b/.test(contentType);
  try {
    const whole = await readBody(request, MAX_MESSAGE_BYTES + (enveloped ? ENVELOPE_BYTES : 0));
    const message = enveloped
      ? await openEnvelope(whole, request.headers)
      : await decode(whole, request.headers["content-encoding"]);
    checkMessage(method, message, json);
    headers.delete("content-encoding");
    return enveloped ? envelop(message) : message;
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    values.set(refusalKey, error);
    headers.delete("content-encoding");
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

async function openEnvelope(whole: Buffer, headers: IncomingHttpHeaders): Promise<Buffer> {
  if (whole.length < ENVELOPE_BYTES || whole.readUInt32BE(1) !== whole.length - ENVELOPE_BYTES) {
    throw malformed("the body is not one length-prefixed message");
  }
  const message = whole.subarray(ENVELOPE_BYTES);
  const coding = headers["grpc-encoding"];
  return whole.readUInt8(0) & COMPRESSED ? decode(message, typeof coding === "string" ? coding : undefined) : message;
}

function envelop(message: Uint8Array): Buffer {
  const envelope = Buffer.alloc(ENVELOPE_BYTES);
  envelope.writeUInt32BE(message.length, 1);
  return Buffer.concat([envelope, message]);
}

const DECODERS: Readonly<Record<string, (data: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
};

async function decode(bytes: Buffer, coding: string | undefined): Promise<Buffer> {
  if (coding === undefined || coding === "" || coding === "identity") return bytes;
  const decoder = DECODERS[coding];
  if (decoder === undefined) throw malformed("the message is compressed in a way that is not served. Use gzip or none");
  try {
    return await decoder(bytes, { maxOutputLength: MAX_MESSAGE_BYTES });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge();
    throw malformed("the message is not compressed as its header says");
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
