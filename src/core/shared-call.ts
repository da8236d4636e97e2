// A call that many ask for at once. Knows nothing of what it does.

/** Shares a call among all who ask before it begins; those who ask while it is under way share the one after it. */
export function createShared<Result>(act: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined;
  let queued: Promise<Result> | undefined;
  const start = (): Promise<Result> => {
    running = act().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (queued !== undefined) return queued;
    if (running === undefined) return start();
    queued = running
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        queued = undefined;
        return start();
      });
    return queued;
  };
}
