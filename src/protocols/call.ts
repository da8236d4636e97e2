// The pipeline of a unary call, the same for every protocol.

import { create, type DescMessage, type DescMethod, type DescMethodUnary, type MessageShape } from "@bufbuild/protobuf";
import {
  type ContextValues,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type MethodImplSpec,
  type ServiceImplSpec,
} from "@connectrpc/connect";
import { AuthError } from "../core/errors.ts";
import { CallContext, type TimeoutHeader } from "./context.ts";
import { type CallError, toCallError } from "./errors.ts";
import { type Exchange, pathOf, RequestAborted } from "./exchange.ts";

/** The largest request message in bytes, unless its service says otherwise. */
export const MAX_MESSAGE_BYTES = 4096;

/** Checks the caller by its headers, before its request is read. Rejects with AuthError if it may not call. */
export type Guard = (context: Pick<HandlerContext, "requestHeader" | "values" | "method">) => Promise<void>;

/** A service as it is mounted on a listener. */
export interface MountedService {
  readonly spec: ServiceImplSpec;
  /** Runs before the request is read; absent: everyone may call. */
  readonly guard?: Guard;
  /** The largest request message in bytes; absent: MAX_MESSAGE_BYTES. */
  readonly maxMessageBytes?: number;
}

/** The sender of a request, as limits and log lines name it. */
export interface RequestCaller {
  /** The address that limits count under: an IPv4 address or an IPv6 /64. */
  readonly address: string;
  /** Names the request in the log. */
  readonly requestId: string;
  readonly protocol: string;
}

export interface CallOptions {
  readonly services: readonly MountedService[];
  readonly callerFrom: (exchange: Exchange, protocol: string) => RequestCaller;
  /** Called with each error that no handler threw, and with each `internal` one and its cause. */
  readonly onError: (error: AuthError, caller: RequestCaller) => void;
}

/** A unary method that can be called. */
export interface UnaryMethod {
  readonly desc: DescMethodUnary;
  readonly handle: Extract<MethodImplSpec, { kind: "unary" }>["impl"];
  readonly guard: Guard | undefined;
  readonly maxMessageBytes: number;
}

/** The unary methods of services. */
export function unaryMethods(services: readonly MountedService[]): readonly UnaryMethod[] {
  return services.flatMap(({ spec, guard, maxMessageBytes = MAX_MESSAGE_BYTES }) =>
    Object.values(spec.methods).flatMap((method): UnaryMethod[] =>
      method.kind === "unary" ? [{ desc: method.method, handle: method.impl, guard, maxMessageBytes }] : [],
    ),
  );
}

/** A call of a known method, in its protocol's encoding. */
export interface AcceptedCall {
  readonly method: UnaryMethod;
  /** The header that may have the caller's timeout. */
  readonly timeoutHeader?: TimeoutHeader;
  /** @throws AuthError, RequestAborted */
  readonly readMessage: () => Promise<MessageShape<DescMessage>>;
  /** Sends the answer, with the headers and trailers that the handler set. */
  readonly writeMessage: (message: MessageShape<DescMessage>, context: CallContext) => void;
}

/** Unary methods by their path, `/package.Service/Method`. */
export type MethodsByPath = ReadonlyMap<string, UnaryMethod>;

/** The path of a method by its name: `/package.Service/Method`. */
export function methodPath({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

/** Finds the method of a POST to its path. @throws AuthError `not_found`, `method_not_allowed` */
export function findMethod(methods: MethodsByPath, exchange: Exchange): UnaryMethod {
  const method = methods.get(pathOf(exchange));
  if (method === undefined) throw new AuthError("not_found", "there is no such method on this listener");
  if (exchange.method === "POST") return method;
  throw notPost();
}

export function notPost(): AuthError {
  return new AuthError("method_not_allowed", "methods are called with POST", { allow: ["POST"] });
}

/** One protocol: finds the method of a call, and writes errors. */
export interface Protocol {
  readonly name: string;
  /** @throws AuthError `not_found`, `method_not_allowed`, `unsupported_media_type` */
  readonly accept: (exchange: Exchange) => AcceptedCall;
  /** `context` is undefined if no method was found. */
  readonly writeError: (exchange: Exchange, error: CallError, context: CallContext | undefined) => void;
}

const callerKey = createContextKey<RequestCaller>(
  { address: "unknown", requestId: "-", protocol: "none" },
  { description: "caller" },
);

/** Context values with a caller. */
export function contextValuesOf(caller: RequestCaller): ContextValues {
  return createContextValues().set(callerKey, caller);
}

/** The caller of a call. */
export function callerOf({ values }: Pick<HandlerContext, "values">): RequestCaller {
  return values.get(callerKey);
}

/** Answers one exchange as a unary call. It rejects only for a bug in a protocol's writeError. */
export async function answerCall(
  exchange: Exchange,
  protocol: Protocol,
  { callerFrom, onError }: Pick<CallOptions, "callerFrom" | "onError">,
): Promise<void> {
  const caller = callerFrom(exchange, protocol.name);
  let context: CallContext | undefined;
  let isHandled = false;
  try {
    // 1. Find the method.
    const call = protocol.accept(exchange);
    const { method } = call;
    context = new CallContext(exchange, method.desc, protocol.name, contextValuesOf(caller));
    // 2. Check the caller.
    if (method.guard !== undefined) await method.guard(context);
    // 3. Read the timeout and the message.
    context.readTimeout(call.timeoutHeader);
    const request = await call.readMessage();
    // 4. Handle.
    isHandled = true;
    const answer = create(method.desc.output, await method.handle(request, context));
    // 5. Answer.
    call.writeMessage(answer, context);
  } catch (thrown) {
    if (thrown instanceof RequestAborted) return;
    const error = toCallError(thrown, caller.requestId);
    if (error instanceof AuthError && (!isHandled || error.reason === "internal")) onError(error, caller);
    protocol.writeError(exchange, error, context);
  }
}
