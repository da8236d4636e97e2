// Tries again what another transaction stands in the way of, without holding up this process. Knows no database.

import { setTimeout as pause } from "node:timers/promises";

const PAUSE_MS = 20;
const LONGEST_WAIT_MS = 5_000;

/** Does something that may be done again, until nobody stands in its way. @throws what it threw at last */
export async function retryWhile<Result>(
  isBusy: (error: unknown) => boolean,
  act: () => Promise<Result>,
): Promise<Result> {
  for (let waited = 0; ; waited += PAUSE_MS) {
    try {
      return await act();
    } catch (error) {
      if (!isBusy(error) || waited >= LONGEST_WAIT_MS) throw error;
      await pause(PAUSE_MS);
    }
  }
}
