// What every requireToken may be told besides its verifier, and who hears of a refusal. Knows no framework.

import type { VerifyError } from "./errors.ts";
import type { SentTokenOptions } from "./sent-token.ts";

export interface RequireTokenOptions extends SentTokenOptions {
  /** Told of each refusal, for the service's own log: the error's `cause` says what no answer does. What it throws changes nothing. */
  readonly onRefused?: (error: VerifyError) => void;
}

/** Tells of a refusal. Any stranger causes one: a log that fails, at once or later, is to end neither the answer nor the service. */
export function tellOfRefusal(error: VerifyError, { onRefused }: RequireTokenOptions = {}): void {
  new Promise((resolve) => resolve(onRefused?.(error))).catch(() => {});
}
