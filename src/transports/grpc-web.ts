// gRPC-Web, and gRPC on a port that it shares with everything else, through Connect's router. Knows no service.

import type { DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import { ConnectError, type ContextValues, createConnectRouter, createContextKey } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import { AuthError } from "../core/errors.ts";
import { readBody, tooLarge } from "./body.ts";
import { perform, type TransportOptions, type UnaryMethod, unaryMethods } from "./call.ts";
import { callerOf, type RequestCaller, valuesOf } from "./caller.ts";
import { clampDeadline } from "./deadline.ts";
import { ENVELOPE_BYTES, envelop, openEnvelope } from "./envelope.ts";
import { errorHeaders, toConnect } from "./errors.ts";
import { spellHeaderName } from "./header-names.ts";
import { fetchHeaders, type HeaderField, type HttpRequest, type HttpResponse, onGone, send } from "./http.ts";
import { readJson } from "./json.ts";
import { readBinary, readMessage } from "./message.ts";

export interface GrpcWebTransport {
  /** Whether a method is served in a media type. */
  readonly takes: (method: DescMethod, contentType: string) => boolean;
  /** Answers one call of a method that was found. @throws RequestAborted when there is nobody left to answer */
  readonly answer: (
    target: UnaryMethod,
    contentType: string,
    request: HttpRequest,
    response: HttpResponse,
    caller: RequestCaller,
  ) => Promise<void>;
}

/** A request that was found wanting before the router saw it; the wrapped handler throws it, in the caller's protocol. */
const refusalKey = createContextKey<AuthError | undefined>(undefined, { description: "refusal" });

/** Serves the services' methods. The router never sees a stranger's Host, nor a body or deadline that was not checked. */
export function createGrpcWeb(options: TransportOptions): GrpcWebTransport {
  const targets = unaryMethods(options.services);
  const router = createConnectRouter({
    connect: false,
    acceptCompression: [compressionGzip],
    // What it is given was held against the limit of its method before.
    readMaxBytes: 2 * Math.max(0, ...targets.map(({ maxMessageBytes }) => maxMessageBytes)),
  });
  for (const target of targets) router.rpc(target.method, translateErrors(target, options));
  const handlers = new Map<DescMethod, UniversalHandler>(router.handlers.map((handler) => [handler.method, handler]));

  return {
    takes: (method, contentType) => handlers.get(method)?.supportedContentType(contentType) ?? false,
    async answer(target, contentType, request, response, caller) {
      const handler = handlers.get(target.method);
      if (handler === undefined) throw new TypeError("every method has a handler");
      const values = valuesOf(caller);
      const headers = fetchHeaders(request);
      const body = await accept(request, target, contentType, headers, values);
      await respond(response, await run(handler, request, response, headers, body, values));
    },
  };
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
      { caller: callerOf(context), context, read, write: (answer) => answer },
      options,
    );
    if ("answer" in outcome) return outcome.answer;
    const { refusal } = outcome;
    // A handler's own error has its metadata sent by the router.
    if (refusal instanceof ConnectError) throw refusal;
    for (const [name, value] of errorHeaders(refusal)) context.responseHeader.set(name, value);
    throw toConnect(refusal);
  };
}

/**
 * Lets the caller in, reads and checks what it sent. A request that does not do is noted among `values`, and an empty
 * one given in its place, so that the handler is reached and answers in the caller's protocol.
 */
async function accept(
  request: HttpRequest,
  { method, guard, maxMessageBytes }: UnaryMethod,
  contentType: string,
  headers: Headers,
  values: ContextValues,
): Promise<Uint8Array> {
  headers.set("content-type", contentType);
  const json = contentType.includes("+json");
  const coding = headers.get("grpc-encoding") ?? undefined;
  // What the router is given is plain, and not of the length that was sent.
  for (const name of ["grpc-encoding", "content-encoding", "content-length"]) headers.delete(name);
  try {
    guard?.(headers);
    clampDeadline(headers);
    const body = await readBody(request, maxMessageBytes, ENVELOPE_BYTES);
    const message = await openEnvelope(body, coding, maxMessageBytes);
    if (message.length > maxMessageBytes) throw tooLarge(maxMessageBytes);
    checkMessage(method, message, json);
    return envelop(message);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    values.set(refusalKey, error);
    headers.delete("grpc-timeout");
    return envelop(Buffer.from(json ? "{}" : ""));
  }
}

function checkMessage(method: DescMethodUnary, message: Uint8Array, json: boolean): void {
  if (json) readMessage(method.input, readJson(message));
  else readBinary(method.input, message);
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
  onGone(request, response, () => abort.abort());
  return handler({
    httpVersion: request.httpVersion,
    method: "POST",
    // The router parses it; a stranger's Host or :authority must not get there.
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
  // HTTP/1 carries no trailers here: gRPC-Web puts its own into the body.
  if (trailer !== undefined && "stream" in response) response.addTrailers(Object.fromEntries(trailer));
  send(response, status, fields, Buffer.concat(chunks));
}
