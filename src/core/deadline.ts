// Bounds how long calls may take, with one timer for all of them: one each would cost more than all else that a call of
// Redis costs here. Knows no call, and is handed the clock.

export interface DeadlineOptions {
  /** How long a call may take, in milliseconds. */
  readonly ms: number;
  /** Milliseconds since any fixed instant, monotonic. */
  readonly elapsed: () => number;
  /** Makes the error of a call that took too long. */
  readonly expire: () => Error;
}

interface Pending {
  readonly due: number;
  readonly reject: (error: Error) => void;
}

/** A bound for calls: what comes later than that is lost, and rejects. */
export type Within = <Result>(call: Promise<Result>) => Promise<Result>;

/** Makes a bound. A call that was in time is never told late, however long this process itself stood still. */
export function createDeadline({ ms, elapsed, expire }: DeadlineOptions): Within {
  // In the order of their being due, since all have the same time.
  const pending = new Set<Pending>();
  let watching = false;

  function watch(): void {
    watching = true;
    setTimeout(async () => {
      const now = elapsed();
      // After a pause the timers fire before the sockets are read: what has arrived meanwhile is given two turns.
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
      for (const call of pending) {
        if (call.due > now) break;
        pending.delete(call);
        call.reject(expire());
      }
      if (pending.size > 0) watch();
      else watching = false;
    }, dueIn()).unref();
  }

  const dueIn = (): number => {
    for (const { due } of pending) return Math.max(1, Math.ceil(due - elapsed()));
    return ms;
  };

  return (call) =>
    new Promise((resolve, reject) => {
      const entry = { due: elapsed() + ms, reject };
      pending.add(entry);
      if (!watching) watch();
      call.then(
        (result) => {
          pending.delete(entry);
          resolve(result);
        },
        (error: unknown) => {
          pending.delete(entry);
          reject(error);
        },
      );
    });
}
