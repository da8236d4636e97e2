// Streaming methods (health's Watch, reflection), served by Connect's own handlers.

import { Code, ConnectError, type ContextValues, createConnectRouter, type Interceptor } from "@connectrpc/connect";
import { AuthError } from "../core/errors.ts";
import { type CallOptions, contextValuesOf, MAX_MESSAGE_BYTES, methodPath, notPost } from "./call.ts";
import { unknownMediaType } from "./connect.ts";
import { type Exchange, fetchHeaders, pathOf } from "./exchange.ts";

export interface Streaming {
  /** The paths of the methods. */
  readonly paths: readonly string[];
  /** The error for a request that Connect's handler would answer with its own message. */
  readonly check: (exchange: Exchange) => AuthError | undefined;
  readonly answer: (exchange: Exchange) => Promise<void>;
}

const MANY = "too many streaming calls on one connection. Open another one";
const MANY_BIDI = "too many calls of this method at once. Try again later";
/** The most calls at once that stream both ways: each may hold up to 150 KiB of unread answers for 20 s. */
const MAX_BIDI_CALLS = 100;

/** Serves the streaming methods of services. @throws TypeError for a service with a guard, which would not run here */
export function createStreaming({ services, callerFrom }: Pick<CallOptions, "services" | "callerFrom">): Streaming {
  const router = createConnectRouter({ readMaxBytes: MAX_MESSAGE_BYTES, interceptors: [blameCaller] });
  for (const { spec, guard } of services) {
    for (const method of Object.values(spec.methods)) {
      if (method.kind === "unary") continue;
      if (guard !== undefined) throw new TypeError(`${methodPath(method.method)} streams: its guard would not run`);
      router.rpc(method.method, method.impl);
    }
  }
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  let bidiCalls = 0;

  return {
    paths: [...handlers.keys()],
    check(exchange) {
      const { method, headers } = exchange;
      if (method !== "POST") return notPost();
      const handler = handlers.get(pathOf(exchange));
      if (handler?.supportedContentType(headers["content-type"] ?? "") !== true)
        return unknownMediaType(headers["content-type"]);
      const isBidi = handler.method.methodKind === "bidi_streaming";
      if (isBidi && exchange.version < 2) {
        return new AuthError("unsupported_media_type", "this method streams both ways and needs HTTP 2");
      }
      if (!exchange.mayStream) return new AuthError("rate_limited", MANY, { retryAfterMs: 1_000 });
      if (isBidi && bidiCalls >= MAX_BIDI_CALLS) {
        return new AuthError("rate_limited", MANY_BIDI, { retryAfterMs: 1_000 });
      }
      const codings = [headers["grpc-encoding"], headers["connect-content-encoding"]];
      const isPlain = codings.every((coding) => coding === undefined || coding === "identity");
      const message = "streaming calls take no compression. Use identity";
      return isPlain ? undefined : new AuthError("unsupported_media_type", message);
    },
    async answer(exchange) {
      const handler = handlers.get(pathOf(exchange));
      if (handler === undefined) throw new TypeError("no handler has this path");
      const abort = new AbortController();
      const isBidi = handler.method.methodKind === "bidi_streaming";
      if (isBidi) bidiCalls++;
      exchange.onClose(() => {
        if (isBidi) bidiCalls--;
        abort.abort();
      });
      const chunks = exchange.chunks()[Symbol.asyncIterator]();
      const contextValues: ContextValues = contextValuesOf(callerFrom(exchange, "stream"));
      const header = fetchHeaders(exchange);
      // The caller ends the call itself. Node's timers overflow at 25 days, and Connect's errors repeat the header's value.
      for (const name of ["grpc-timeout", "connect-timeout-ms"]) header.delete(name);
      const answer = await handler({
        httpVersion: exchange.version === 2 ? "2.0" : "1.1",
        method: exchange.method,
        // A constant host: the handler parses the URL and throws for some Host headers.
        url: `http://countersign${handler.requestPath}`,
        header,
        // Without `return`: a handler that stops reading would destroy the request and its answer.
        body: { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) },
        signal: abort.signal,
        contextValues,
      });
      const { status, body = "", trailer } = answer;
      exchange.send({ status, headers: [...(answer.header ?? [])], body, ...(trailer && { trailers: trailer }) });
    },
  };
}

/** Turns errors of decoding into `invalid_argument`: Connect makes some of them `internal`, and repeats input in others. */
const blameCaller: Interceptor = (next) => (request) =>
  next(request.stream ? { ...request, message: decoded(request.message) } : request);

async function* decoded<Message>(messages: AsyncIterable<Message>): AsyncIterable<Message> {
  try {
    yield* messages;
  } catch (error) {
    const isUnreadable = error instanceof ConnectError && [Code.Internal, Code.InvalidArgument].includes(error.code);
    throw isUnreadable ? new ConnectError("the message cannot be read", Code.InvalidArgument) : error;
  }
}
