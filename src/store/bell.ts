// What a loop waits for: some time, or for somebody to ring. Knows nothing of why.

export interface Bell {
  /** Ends the wait `within`, or the next one where nobody waits now. */
  ring(): void;
  /** Until somebody rings, and no longer than this, in milliseconds. */
  within(longestMs: number): Promise<void>;
  /** For as long, whoever rings. */
  after(ms: number): Promise<void>;
  /** Ends every wait, now and later. */
  stop(): void;
}

/** Its timers keep no process running. */
export function createBell(): Bell {
  let rung = false;
  let stopped = false;
  let wake = (): void => {};
  let isHeard = false;

  async function wait(ms: number, hears: boolean): Promise<void> {
    if (stopped) return;
    if (!(hears && rung)) {
      isHeard = hears;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms).unref();
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      isHeard = false;
    }
    if (hears) rung = false;
  }

  return {
    ring() {
      rung = true;
      if (isHeard) wake();
    },
    within: (longestMs) => wait(longestMs, true),
    after: (ms) => wait(ms, false),
    stop() {
      stopped = true;
      wake();
    },
  };
}
