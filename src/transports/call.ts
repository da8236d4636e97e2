// A call, the same for every transport: what it may reach, and what becomes of it. Knows no protocol and no service.

import { create, type DescMessage, type DescMethodUnary, type MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext, MethodImplSpec, ServiceImplSpec } from "@connectrpc/connect";
import { AuthError } from "../core/errors.ts";
import { MAX_MESSAGE_BYTES, RequestAborted } from "./body.ts";
import type { CallerFrom, RequestCaller } from "./caller.ts";
import { asRefusal, type Refusal } from "./errors.ts";

/** Lets a caller in by its headers, before its request is read. @throws AuthError when it may not */
export type Guard = (requestHeader: Headers) => void;

/** A service as it is mounted on a listener. */
export interface MountedService {
  readonly spec: ServiceImplSpec;
  /** Asked before anything of a request is looked at; absent: everyone may call. */
  readonly guard?: Guard;
  /** The most bytes that a request message of it may have; absent: MAX_MESSAGE_BYTES. */
  readonly maxMessageBytes?: number;
}

/** What every transport is given. */
export interface TransportOptions {
  readonly services: readonly MountedService[];
  /** Tells callers; absent: the address of the peer counts, whatever is said of whom it speaks for. */
  readonly callerFrom?: CallerFrom;
  /** Hears of each refusal that no handler has made, and of each `internal` one, whose cause it holds. */
  readonly onRefused: (error: AuthError, caller: RequestCaller) => void;
  /** Hears of an answer that failed altogether: a bug. */
  readonly onFault: (error: unknown) => void;
  /** Unix milliseconds, by which deadlines count. */
  readonly now: () => number;
}

/** A method that can be called. */
export interface UnaryMethod {
  readonly method: DescMethodUnary;
  readonly handle: Extract<MethodImplSpec, { kind: "unary" }>["impl"];
  readonly guard: Guard | undefined;
  readonly maxMessageBytes: number;
}

/** The methods of services. @throws TypeError for one that streams: no transport here serves those */
export function unaryMethods(services: readonly MountedService[]): readonly UnaryMethod[] {
  return services.flatMap(({ spec, guard, maxMessageBytes = MAX_MESSAGE_BYTES }) =>
    Object.values(spec.methods).map((one) => {
      if (one.kind !== "unary") throw new TypeError(`${one.method.name} streams: only unary methods are served`);
      return { method: one.method, handle: one.impl, guard, maxMessageBytes };
    }),
  );
}

/** Where a method is called by its name: `/package.Service/Method`. */
export function methodPath({ parent, name }: DescMethodUnary): string {
  return `/${parent.typeName}/${name}`;
}

/** What became of a call. */
export type Outcome<Answer> = { readonly answer: Answer } | { readonly refusal: Refusal };

/** A call as its transport has it. */
export interface Call<Answer> {
  readonly caller: RequestCaller;
  readonly context: HandlerContext;
  /** Reads the request. @throws AuthError when it is none */
  readonly read: () => Promise<MessageShape<DescMessage>> | MessageShape<DescMessage>;
  /** Writes the answer in its protocol's form. */
  readonly write: (message: MessageShape<DescMessage>) => Answer;
}

/**
 * Makes a call: lets the caller in, reads, handles, writes. Whatever is thrown comes out as a refusal.
 * @throws RequestAborted when there is nobody left to answer
 */
export async function perform<Answer>(
  { method, handle, guard }: UnaryMethod,
  { caller, context, read, write }: Call<Answer>,
  { onRefused }: Pick<TransportOptions, "onRefused">,
): Promise<Outcome<Answer>> {
  let heard = false;
  try {
    guard?.(context.requestHeader);
    const request = await read();
    heard = true;
    return { answer: write(create(method.output, await handle(request, context))) };
  } catch (error) {
    if (error instanceof RequestAborted) throw error;
    const refusal = asRefusal(error, caller.requestId);
    if (refusal instanceof AuthError && (!heard || refusal.reason === "internal")) onRefused(refusal, caller);
    return { refusal };
  }
}
