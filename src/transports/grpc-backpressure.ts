// Keeps a client that asks and does not read from filling the memory: grpc-js and its reflection write on regardless. Knows
// no service.

import * as grpc from "@grpc/grpc-js";

/** Reads the next message of a stream only once the answers to those before have left. Unary calls pass as they are. */
export const holdReads: grpc.ServerInterceptor = (method, call) =>
  method.requestStream ? new HeldCall(call) : new grpc.ServerInterceptingCall(call);

class HeldCall extends grpc.ServerInterceptingCall {
  #unsent = 0;
  #due = false;

  override startRead(): void {
    if (this.#unsent > 0) this.#due = true;
    else super.startRead();
  }

  override sendMessage(message: unknown, callback: () => void): void {
    this.#unsent++;
    super.sendMessage(message, () => {
      this.#unsent--;
      callback();
      if (this.#unsent > 0 || !this.#due) return;
      this.#due = false;
      super.startRead();
    });
  }
}
