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

/** Shares a call among all who ask before it begins, which is `everyMs` milliseconds after the one before did at the soonest. */
export function createSpaced(act: () => Promise<void>, everyMs: number): () => Promise<void> {
  let waiting: Promise<void> | undefined;
  let spaced: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    await spaced;
    waiting = undefined;
    spaced = new Promise((resolve) => setTimeout(resolve, everyMs).unref());
    await act();
  };
  return () => {
    waiting ??= run();
    return waiting;
  };
}

/** Shares a call of one name among all who ask while it is under way: `calls` has those that are. */
export function shareByName<Value>(
  calls: Map<string, Promise<Value>>,
  name: string,
  call: () => Promise<Value>,
): Promise<Value> {
  const known = calls.get(name);
  if (known !== undefined) return known;
  const started = call().finally(() => {
    if (calls.get(name) === started) calls.delete(name);
  });
  calls.set(name, started);
  return started;
}
