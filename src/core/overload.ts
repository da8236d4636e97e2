// Load shedding: refuses new logins while the wait would be too long.

import { AuthError } from "./errors.ts";

export interface OverloadOptions {
  /** How late the event loop is, in milliseconds. */
  readonly loopDelayMs: () => number;
  /** A monotonic clock, in milliseconds. */
  readonly elapsed: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** With more logins under way than this, the login rate shows the gateway's capacity; 32 when absent. */
  readonly busyAbove?: number | undefined;
  /** Called for each refused login. */
  readonly onRefused: () => void;
}

export interface OverloadGuard {
  /** Logins under way, most of which wait for a signature. */
  underWay(): number;
  /** Runs a login. @throws AuthError `unavailable` instead while the gateway is overloaded; nothing is charged then */
  run<Result>(logIn: () => Promise<Result>): Promise<Result>;
}

/** Longest wait for a login. A board gives up after about 15 s, and its retry costs another handshake. */
const LONGEST_WAIT_MS = 2_000;
/** The event loop may be this late: a login takes some four turns of it. */
const LONGEST_LOOP_DELAY_MS = 500;
/** With fewer logins under way, the rate shows the callers' demand, and other work delays the event loop. */
const BUSY_ABOVE = 32;
/** The rate is measured over this time, in milliseconds. */
const WINDOW_MS = 1_000;
const SHORTEST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** Retries are spread over at least this time. */
const SPREAD_MS = 4_000;

export function createOverloadGuard({
  loopDelayMs,
  elapsed,
  random,
  busyAbove = BUSY_ABOVE,
  onRefused,
}: OverloadOptions): OverloadGuard {
  let underWay = 0;
  let window = { start: 0, answered: 0 };
  /** Time for one login while the gateway is busy, in milliseconds; 0 until it was busy once. */
  let loginMs = 0;
  /** The time at which all boards refused so far would have been served one after the other. */
  let lineEnd = 0;

  function begin(): void {
    if (underWay++ > busyAbove) return;
    window = { start: elapsed(), answered: 0 };
    // The rate of an earlier burst would refuse logins for ever.
    loginMs = 0;
  }

  function end(): void {
    window.answered++;
    const lasted = elapsed() - window.start;
    if (underWay-- > busyAbove && lasted >= WINDOW_MS) {
      loginMs = lasted / window.answered;
      window = { start: elapsed(), answered: 0 };
    }
  }

  function overloaded(): AuthError {
    const now = elapsed();
    lineEnd = Math.min(Math.max(lineEnd, now) + loginMs, now + LONGEST_RETRY_MS);
    const retryAfterMs = SHORTEST_RETRY_MS + lineEnd - now + SPREAD_MS * random();
    return new AuthError("unavailable", "too many devices log in now. Try again later", { retryAfterMs });
  }

  return {
    underWay: () => underWay,
    async run(logIn) {
      const isLate = underWay > busyAbove && loopDelayMs() > LONGEST_LOOP_DELAY_MS;
      if (isLate || underWay * loginMs > LONGEST_WAIT_MS) {
        onRefused();
        throw overloaded();
      }
      begin();
      try {
        return await logIn();
      } finally {
        end();
      }
    },
  };
}
