// Decisions in a closed loop, and what they cost this process. Knows no limiter.

/** Acts so many times, `inFlight` at a time. */
export async function runLanes(times: number, inFlight: number, act: () => Promise<unknown>): Promise<void> {
  let due = times;
  const lane = async (): Promise<void> => {
    while (due-- > 0) await act();
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

export interface Cost {
  /** CPU of this process for each act, user and system, in microseconds. */
  readonly cpuMicros: number;
  readonly perSecond: number;
}

export async function measureLanes(times: number, inFlight: number, act: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const started = performance.now();
  await runLanes(times, inFlight, act);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { cpuMicros: (user + system) / times, perSecond: times / seconds };
}
