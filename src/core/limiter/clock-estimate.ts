// What another clock says, by answers that tell it and take their time. Knows nobody's clock but its own.

export interface ClockEstimate {
  /** The other clock was at `at` when it answered; both in microseconds. */
  learn(at: number): void;
  /** What it says now; undefined when it never said anything. */
  read(): number | undefined;
}

/** What was learnt longer ago than twice this is forgotten: clocks step, and drift. */
const TERM_MS = 10_000;
/** No answer that is waited for is read so late: the other clock stepped backward. */
const LARGEST_DELAY_US = 1_000_000;

/**
 * An estimate that errs on the side of slow. Ours is never ahead of what the other clock says: an answer that was read late makes it
 * seem slow, so that of the latest answers the fastest counts.
 * @param elapsed milliseconds since any fixed instant, monotonic
 */
export function createClockEstimate(elapsed: () => number): ClockEstimate {
  // How far it is ahead of ours, by the best answer of this term and of the one before.
  let present = Number.NEGATIVE_INFINITY;
  let before = Number.NEGATIVE_INFINITY;
  let since = 0;
  return {
    learn(at) {
      const now = elapsed();
      if (now - since > TERM_MS) {
        before = now - since > 2 * TERM_MS ? Number.NEGATIVE_INFINITY : present;
        present = Number.NEGATIVE_INFINITY;
        since = now;
      }
      const ahead = at - now * 1000;
      const stepped = ahead < Math.max(present, before) - LARGEST_DELAY_US;
      if (stepped) before = Number.NEGATIVE_INFINITY;
      present = stepped ? ahead : Math.max(present, ahead);
    },
    read() {
      const ahead = Math.max(present, before);
      return ahead === Number.NEGATIVE_INFINITY ? undefined : ahead + elapsed() * 1000;
    },
  };
}
