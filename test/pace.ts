// Requests at a steady rate, which wait for no answers.

/** Requests are sent once in so long: a timer is no finer. */
const TICK_MS = 5;

export interface Pace<Answer> extends Disposable {
  /** The answers to come, in the order of their requests. */
  readonly answers: readonly Promise<Answer>[];
  /** Stops sending and waits for the answers. */
  stop(): Promise<readonly Answer[]>;
}

/** Calls `send` so many times a second, with the place of the request, until it is stopped, and `most` times at most. */
export function sendAtRate<Answer>(
  perSecond: number,
  send: (place: number) => Promise<Answer>,
  most = Number.POSITIVE_INFINITY,
): Pace<Answer> {
  const started = performance.now();
  const answers: Promise<Answer>[] = [];
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1_000) * perSecond;
    while (answers.length < Math.min(due, most)) {
      const answer = send(answers.length);
      // A failure is for whoever waits for the answers.
      answer.catch(() => {});
      answers.push(answer);
    }
  }, TICK_MS);
  return {
    answers,
    stop() {
      clearInterval(timer);
      return Promise.all(answers);
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
