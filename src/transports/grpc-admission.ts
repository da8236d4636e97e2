// Lets a call in by its headers, and bounds its message, before the message is read: the library has it whole before it asks a
// handler. Knows the library's insides as they are in 1.14, and no service.

import * as grpc from "@grpc/grpc-js";
import { AuthError } from "../core/errors.ts";
import type { TransportOptions, UnaryMethod } from "./call.ts";
import { createCaller } from "./caller.ts";
import { asRefusal, errorHeaders } from "./errors.ts";
import { fetchHeadersOf, hostOf, metadataOf, metadataReader } from "./grpc-metadata.ts";
import { statusOf } from "./grpc-refusals.ts";

/** A call that nothing is read of until the method's guard has let it in. */
export function admit(
  { guard }: Pick<UnaryMethod, "guard">,
  call: grpc.ServerInterceptingCall,
  { callerFrom = createCaller, onRefused }: Pick<TransportOptions, "callerFrom" | "onRefused">,
): grpc.ServerInterceptingCall {
  if (guard === undefined) return call;
  return new grpc.ServerInterceptingCall(
    call,
    new grpc.ResponderBuilder()
      .withStart((next) =>
        next({
          onReceiveMetadata(metadata, pass) {
            try {
              guard(fetchHeadersOf(metadata));
            } catch (error) {
              const caller = callerFrom(hostOf(call.getPeer()), "grpc", metadataReader(metadata));
              const refusal = asRefusal(error, caller.requestId);
              if (refusal instanceof AuthError) onRefused(refusal, caller);
              call.sendMetadata(metadataOf(errorHeaders(refusal)));
              call.sendStatus(statusOf(refusal));
              return;
            }
            pass(metadata);
          },
        }),
      )
      .build(),
  );
}

/** A server of the library has one bound for all its methods, the largest of theirs; this gives a call its own. */
export function boundMessage(call: grpc.ServerInterceptingCallInterface, bytes: number): void {
  const decoder: unknown = Reflect.get(call, "decoder");
  // Where the library has no such thing any more, its one bound holds, and then the handler's own.
  if (typeof decoder !== "object" || decoder === null) return;
  Object.assign(call, { maxReceiveMessageSize: bytes });
  Object.assign(decoder, { maxReadMessageLength: bytes });
}
