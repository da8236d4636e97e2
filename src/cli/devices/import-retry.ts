// Calls a gateway again that is away for a moment. Knows Connect's codes, and no call.

import { setTimeout as pause } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { monotonicNow } from "../../telemetry/clock.ts";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** Retries a call for `forMs` milliseconds; `onWait` is called when the first retry begins. @throws the last error */
export async function retryCall<Answer>(
  forMs: number,
  onWait: () => void,
  call: () => Promise<Answer>,
): Promise<Answer> {
  let since: number | undefined;
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
    try {
      return await call();
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (since === undefined) onWait();
      since ??= monotonicNow();
      if (monotonicNow() - since + wait > forMs) throw error;
      await pause(wait);
    }
  }
}

/** Whether a retry may succeed: no answer, or one of a gateway that cannot answer now. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  // A connection that broke: Node's errors have a code of their own.
  const isBroken = error.cause instanceof Error && "code" in error.cause;
  return isBroken || [Code.Unavailable, Code.DeadlineExceeded, Code.Aborted].includes(error.code);
}
