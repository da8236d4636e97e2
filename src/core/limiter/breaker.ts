// Whether a store is away: opens at a failure, probes at intervals, closes once the store is fit again. Knows no store.

export interface BreakerOptions<Result> {
  /** Makes the store fit to be used again, and says so in the very turn in which it is; rejects when it is not, before or after. */
  readonly recover: (done: (result: Result) => void) => Promise<void>;
  /** Between two attempts, in milliseconds. */
  readonly everyMs: number;
  /** An attempt to recover failed. */
  readonly onStillAway: (cause: unknown) => void;
  /** Hears once of each outage, and of its end. */
  readonly onAway: (cause: Error) => void;
  readonly onBack: (result: Result) => void;
}

export interface Breaker {
  readonly away: () => boolean;
  /** The store said something: whether it is back is tried at once, and no more often than once an interval. */
  retry(): void;
  /** The store failed. Whatever is being recovered starts anew. */
  trip(cause: Error): void;
  close(): void;
}

/** A breaker that starts with the store at hand. */
export function createBreaker<Result>({
  recover,
  everyMs,
  onAway,
  onStillAway,
  onBack,
}: BreakerOptions<Result>): Breaker {
  let away = false;
  let closed = false;
  let failures = 0;
  let recovering = false;
  let retried = false;
  let timer: NodeJS.Timeout | undefined;

  function schedule(): void {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(attempt, everyMs).unref();
  }

  async function attempt(): Promise<void> {
    if (!away || recovering || closed) return;
    const before = failures;
    recovering = true;
    const done = (result: Result): void => {
      // Where it failed once more meanwhile, what was recovered may be lost again.
      if (closed || failures > before) return;
      away = false;
      onBack(result);
    };
    try {
      await recover(done);
    } catch (error) {
      if (closed) return;
      if (away) onStillAway(error);
      else trip(error instanceof Error ? error : new Error("unknown"));
    }
    recovering = false;
    if (away) schedule();
  }

  function trip(cause: Error): void {
    failures++;
    if (away || closed) return;
    away = true;
    onAway(cause);
    // An attempt that is under way goes on, in vain, and is followed by the next.
    if (!recovering) schedule();
  }

  return {
    away: () => away,
    trip,
    retry() {
      if (!away || recovering || retried || closed) return;
      clearTimeout(timer);
      timer = setTimeout(attempt, 0).unref();
      retried = true;
      setTimeout(() => {
        retried = false;
      }, everyMs).unref();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
