// Sends requests at a steady rate.

import { setTimeout as pause } from "node:timers/promises";

/** Interval of the timer, which sends the due requests. */
const TICK_MS = 5;

/** Calls `send` at a rate, with the index of the request, until it is stopped. A request waits while `mostAtOnce` are under way. */
export function sendAtRate<Answer>(
  perSecond: number,
  send: (index: number) => Promise<Answer>,
  mostAtOnce = Number.POSITIVE_INFINITY,
) {
  const started = performance.now();
  const answers: Promise<Answer>[] = [];
  let underWay = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1_000) * perSecond;
    while (answers.length < due && underWay < mostAtOnce) {
      underWay++;
      const answer = send(answers.length).finally(() => underWay--);
      // The caller that waits for the answers gets the failure.
      answer.catch(() => {});
      answers.push(answer);
    }
  }, TICK_MS);
  return {
    /** Resolves once `count` more requests were sent and the last one was answered. */
    async more(count: number): Promise<void> {
      for (const due = answers.length + count; answers.length < due; await pause(TICK_MS)) await answers.at(-1);
    },
    /** Stops sending and waits for the answers. */
    stop(): Promise<readonly Answer[]> {
      clearInterval(timer);
      return Promise.all(answers);
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
