// Retries a transaction that another one blocks, without blocking this process.

import { setTimeout as pause } from "node:timers/promises";

/** Another transaction has enrolled or deleted a row that this one read: retry. */
export class Overtaken extends Error {
  override readonly name = "Overtaken";
}

const PAUSE_MS = 20;
/** Default duration of retries, in milliseconds. */
const LONGEST_WAIT_MS = 5_000;

/**
 * Retries `act` while its error is a busy error. The last try begins at most `longestMs` after the first. @throws the error of the
 * last try
 */
export async function retryWhile<Result>(
  isBusy: (error: unknown) => boolean,
  act: () => Promise<Result>,
  longestMs = LONGEST_WAIT_MS,
): Promise<Result> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
  }, longestMs).unref();
  try {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!isBusy(error)) throw error;
        await pause(PAUSE_MS);
        if (isLate) throw error;
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs calls one after the other, with a pause after each blocked try. On SQLite a try blocks this process; without the pauses
 * the tries of many calls would block it continuously.
 */
export function createTurns(
  isBusy: (error: unknown) => boolean,
): <Result>(act: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const turn = last.then(act);
    last = turn.catch((error: unknown) => (isBusy(error) ? pause(PAUSE_MS) : undefined));
    return turn;
  };
}
