// Joins concurrent look-ups of logins and token checks into one PostgreSQL query.

import { createDeadline } from "../../core/deadline.ts";
import { type Outage, storeUnavailable } from "../outage.ts";

/** Answers one look-up for each element, in the order of the batch. */
export type AnswerAll<Names, Answer> = (batch: readonly Names[]) => Promise<readonly Answer[]>;

export interface LookUps {
  /** Turns one query for many into a call for one. It rejects with AuthError `unavailable`. */
  batch<Names, Answer>(answerAll: AnswerAll<Names, Answer>): (names: Names) => Promise<Answer>;
  /** Rejects the look-ups that wait for a query. */
  rejectQueued(): void;
}

export interface LookUpOptions {
  readonly outage: Pick<Outage, "lookUpFailed">;
  readonly answerMs?: number;
  readonly mostWaiting?: number;
}

export const ANSWER_MS = 1_000;
const MOST_WAITING = 5_000;
const LARGEST_BATCH = 200;
/** Batches under way; later look-ups wait for the next. */
const MOST_BATCHES = 4;
/** Least time between the starts of batches: under load they are fewer and larger. */
const APART_MS = 4;

interface Queued<Names, Answer> {
  readonly names: Names;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** The look-ups of one database: they share a deadline and a bound. */
export function createLookUps(options: LookUpOptions): LookUps {
  const { outage, answerMs = ANSWER_MS, mostWaiting = MOST_WAITING } = options;
  const queues: { reject(): void }[] = [];
  let waiting = 0;
  const within = createDeadline(answerMs, () => {
    outage.lookUpFailed(new Error(`no answer within ${answerMs} ms`));
    return storeUnavailable("does not answer in time");
  });

  return {
    batch(answerAll) {
      const queue = createQueue(answerAll);
      queues.push(queue);
      return async (names) => {
        if (waiting >= mostWaiting) throw storeUnavailable("is overloaded");
        waiting++;
        try {
          return await within(queue.push(names));
        } finally {
          waiting--;
        }
      };
    },
    rejectQueued() {
      for (const queue of queues) queue.reject();
    },
  };
}

function createQueue<Names, Answer>(answerAll: AnswerAll<Names, Answer>) {
  let queued: Queued<Names, Answer>[] = [];
  let batches = 0;
  let isScheduled = false;
  let isTooSoon = false;

  function schedule(): void {
    if (isScheduled || isTooSoon || batches >= MOST_BATCHES || queued.length === 0) return;
    isScheduled = true;
    // After all requests of this turn of the event loop.
    setImmediate(() => {
      isScheduled = false;
      void run();
    });
  }

  async function run(): Promise<void> {
    const batch = queued.slice(0, LARGEST_BATCH);
    if (batch.length === 0) return;
    queued = queued.slice(LARGEST_BATCH);
    batches++;
    isTooSoon = true;
    setTimeout(() => {
      isTooSoon = false;
      schedule();
    }, APART_MS);
    try {
      const answers = await answerAll(batch.map(({ names }) => names));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const answer = answers[index];
        if (answer === undefined) reject(new TypeError("a batch has fewer answers than look-ups"));
        else resolve(answer);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      batches--;
      schedule();
    }
  }

  return {
    push: (names: Names) =>
      new Promise<Answer>((resolve, reject) => {
        queued.push({ names, resolve, reject });
        schedule();
      }),
    reject() {
      for (const { reject } of queued.splice(0)) reject(storeUnavailable("cannot be reached now"));
    },
  };
}
