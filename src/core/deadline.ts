// Deadlines for calls.

/** Rejects when the call does not settle before the deadline; its later result is dropped. */
export type Within = <Result>(call: Promise<Result>) => Promise<Result>;

/**
 * Creates a deadline of `ms` milliseconds. An answer that arrived in time counts, even if this process was paused meanwhile.
 * @param expire makes the error of a call that took too long
 */
export function createDeadline(ms: number, expire: () => Error): Within {
  return (call) =>
    new Promise((resolve, reject) => {
      // After a pause, timers fire before sockets are read. Two turns of the event loop let a waiting answer through.
      const timer = setTimeout(() => setImmediate(() => setImmediate(() => reject(expire()))), ms);
      const settle =
        <Value>(act: (value: Value) => void) =>
        (value: Value): void => {
          clearTimeout(timer);
          act(value);
        };
      call.then(settle(resolve), settle(reject));
    });
}
