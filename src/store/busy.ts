// Waits for another process's transaction without holding up this one. Knows SQLite's one error that means so.

import { setTimeout as pause } from "node:timers/promises";

const PAUSE_MS = 20;
const LONGEST_WAIT_MS = 5_000;
/** SQLITE_BUSY, of which extended codes keep it in the low byte (sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;

/** Whether an error means that another process holds the lock. */
export function isBusy(error: unknown): boolean {
  return (
    error instanceof Error &&
    "errcode" in error &&
    typeof error.errcode === "number" &&
    (error.errcode & 0xff) === SQLITE_BUSY
  );
}

/** Does something that may be done again, until no other process stands in its way. @throws what it threw at last */
export async function whenFree<Result>(act: () => Promise<Result>): Promise<Result> {
  for (let waited = 0; ; waited += PAUSE_MS) {
    try {
      return await act();
    } catch (error) {
      if (!isBusy(error) || waited >= LONGEST_WAIT_MS) throw error;
      await pause(PAUSE_MS);
    }
  }
}
