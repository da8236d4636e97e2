// Calls a gateway again that is away for a moment. Knows Connect's codes, and no call.

import { setTimeout as pause } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

export interface Patience {
  /** For how long a call is made again, in milliseconds. */
  readonly forMs: number;
  /** A clock that never steps, in milliseconds. */
  readonly now: () => number;
  /** Ends the wait for another call. */
  readonly signal: AbortSignal;
  /** Called when the first retry begins. */
  readonly onWait: (code: string) => void;
}

/** Retries a call until it is answered or the time is over. @throws the last error */
export async function withPatience<Answer>(
  { forMs, now, signal, onWait }: Patience,
  call: () => Promise<Answer>,
): Promise<Answer> {
  let since: number | undefined;
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
    try {
      return await call();
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
      if (since === undefined) onWait(Code[error.code] ?? "");
      since ??= now();
      if (now() - since + wait > forMs) throw error;
      await pause(wait, undefined, { signal });
    }
  }
}

/** Whether a retry may succeed: no answer, or one of a gateway that cannot answer now. */
function isPassing(error: unknown): error is ConnectError {
  if (!(error instanceof ConnectError)) return false;
  if (error.code === Code.Unavailable || error.code === Code.DeadlineExceeded || error.code === Code.Aborted)
    return true;
  // A connection that broke: Node's errors have a code of their own.
  return error.cause instanceof Error && "code" in error.cause;
}
