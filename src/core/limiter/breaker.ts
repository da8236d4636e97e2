// Whether a store is away: opens at a failure, probes at intervals, closes once the store is fit again. Knows no store.

export interface BreakerOptions {
  /** Makes the store fit to be used again, or rejects. The breaker closes when it is done, in the same turn. */
  readonly recover: () => Promise<void>;
  /** Between two attempts, in milliseconds. */
  readonly everyMs: number;
  /** Hears of each change, once. */
  readonly onChange: (cause: Error | undefined) => void;
}

export interface Breaker {
  readonly away: () => boolean;
  /** The store failed. Whatever is being recovered starts anew. */
  trip(cause: Error): void;
  close(): void;
}

/** A breaker that starts with the store at hand. */
export function createBreaker({ recover, everyMs, onChange }: BreakerOptions): Breaker {
  let away = false;
  let closed = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;

  function schedule(): void {
    if (!closed) timer = setTimeout(attempt, everyMs).unref();
  }

  async function attempt(): Promise<void> {
    const before = failures;
    try {
      await recover();
    } catch {
      schedule();
      return;
    }
    // It failed once more meanwhile: what was recovered may be lost again.
    if (failures > before) {
      schedule();
      return;
    }
    if (closed) return;
    away = false;
    onChange(undefined);
  }

  return {
    away: () => away,
    trip(cause) {
      failures++;
      if (away || closed) return;
      away = true;
      onChange(cause);
      schedule();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
