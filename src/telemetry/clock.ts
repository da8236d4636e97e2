// The system's clocks, and tasks that they repeat.

/** Unix milliseconds. */
export function systemNow(): number {
  return Date.now();
}

/** Milliseconds since a fixed instant; never steps. */
export function monotonicNow(): number {
  return performance.now();
}

/**
 * Runs `act` every `ms` milliseconds, one run at a time. A failure goes to `onFault`, and the next run follows. The timer keeps no
 * process alive. @returns a function that stops the repetition and waits for the current run
 */
export function repeatEvery(
  ms: number,
  act: () => Promise<void>,
  onFault: (error: unknown) => void,
): () => Promise<void> {
  let current: Promise<void> | undefined;
  const timer = setInterval(() => {
    current ??= act()
      .catch(onFault)
      .finally(() => {
        current = undefined;
      });
  }, ms);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await current;
  };
}
