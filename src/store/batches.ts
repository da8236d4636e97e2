// Calls that come close together, made as one: of a query each, the way to the database would cost more than the answer. Knows
// no query.

/** Answers one call a key, in their order. */
export type AnswerAll<Key, Answer> = (keys: readonly Key[]) => Promise<readonly Answer[]>;

export interface BatchOptions {
  /** The most keys of a batch. */
  readonly most: number;
  /** So many batches may be under way at once; what comes meanwhile is the next one's. */
  readonly atOnce: number;
  /** Batches begin at least so far apart, in milliseconds: where calls come thick, fewer batches are larger. None waits for others to come. */
  readonly apartMs?: number;
}

interface Waiting<Key, Answer> {
  readonly key: Key;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Makes single calls of a call for many. A batch that fails fails for each of its keys. */
export function createBatches<Key, Answer>(
  answerAll: AnswerAll<Key, Answer>,
  { most, atOnce, apartMs }: BatchOptions,
): (key: Key) => Promise<Answer> {
  let waiting: Waiting<Key, Answer>[] = [];
  let underWay = 0;
  let scheduled = false;
  let tooSoon = false;

  function schedule(): void {
    if (scheduled || tooSoon || underWay >= atOnce || waiting.length === 0) return;
    scheduled = true;
    // After what else arrived in this turn of the loop has been read.
    setImmediate(() => {
      scheduled = false;
      void run();
    });
  }

  async function run(): Promise<void> {
    const batch = waiting.slice(0, most);
    waiting = waiting.slice(most);
    underWay++;
    if (apartMs !== undefined) {
      tooSoon = true;
      setTimeout(() => {
        tooSoon = false;
        schedule();
      }, apartMs);
    }
    schedule();
    try {
      const answers = await answerAll(batch.map(({ key }) => key));
      for (const [place, { resolve, reject }] of batch.entries()) {
        const answer = answers[place];
        if (answer === undefined) reject(new TypeError("a batch has fewer answers than keys"));
        else resolve(answer);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      underWay--;
      schedule();
    }
  }

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      schedule();
    });
}
