// Catches the error of a call.

import { AuthError } from "../../src/core/errors.ts";

/** The AuthError of `act`; the test fails without one. */
export function caughtError(act: () => unknown): AuthError {
  try {
    act();
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** The AuthError of a promise; the test fails without one. */
export async function caughtErrorOf(promise: Promise<unknown>): Promise<AuthError> {
  const [outcome] = await Promise.allSettled([promise]);
  return caughtError(() => {
    if (outcome.status === "rejected") throw outcome.reason;
  });
}
