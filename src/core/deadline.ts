// Bounds how long calls may take.

export interface DeadlineOptions {
  /** How long a call may take, in milliseconds. */
  readonly ms: number;
  /** Makes the error of a call that took too long. */
  readonly expire: () => Error;
}

/** A bound for calls: a later result is lost, and the call rejects. */
export type Within = <Result>(call: Promise<Result>) => Promise<Result>;

/** Makes a bound. A call that was in time is never reported late, however long this process itself stood still. */
export function createDeadline({ ms, expire }: DeadlineOptions): Within {
  return (call) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(async () => {
        // After a pause timers fire before sockets are read: two turns let an answer that waits there through.
        for (let turn = 0; turn < 2; turn++) await new Promise((done) => setImmediate(done));
        reject(expire());
      }, ms);
      call.then(
        (result) => {
          clearTimeout(timer);
          resolve(result);
        },
        (error: unknown) => {
          clearTimeout(timer);
          reject(error);
        },
      );
    });
}
