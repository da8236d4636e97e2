// Does something now and then for as long as the gateway runs. Knows nothing of what it does.

/**
 * Calls `act` every `ms` milliseconds from now on, one call at a time; a failure is told, and the next call comes all the
 * same. Keeps no process alive. @returns what ends it: resolves once a call that is under way is over
 */
export function repeatEvery(
  ms: number,
  act: () => Promise<void>,
  onFault: (error: unknown) => void,
): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  const timer = setInterval(() => {
    underWay ??= act()
      .catch(onFault)
      .finally(() => {
        underWay = undefined;
      });
  }, ms);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await underWay;
  };
}
