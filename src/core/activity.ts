// The last login and failure of each device, gathered and written now and then.

import { AuthError, type Reason } from "./errors.ts";
import type { Caller, Login, LoginRequest } from "./login.ts";
import type { ActivityStore, Sighting } from "./registry/ports.ts";

/** Names with a failure that are gathered at most: anyone can make them. */
const MOST_FAILURES = 20_000;
/** Names with a login. */
const MOST_LOGINS = 200_000;

/** Reasons that are noted as a failure of the device; others tell nothing of it. */
const FAILURES: readonly Reason[] = ["clock_skew", "invalid_credentials", "rate_limited", "disabled", "replayed"];

type LogIn<From extends Caller> = (request: LoginRequest, caller: From) => Promise<Login>;

export interface ActivityRecorder {
  /** The same use-case, watched. */
  watch<From extends Caller>(logIn: LogIn<From>): LogIn<From>;
  /** Finishes the moves that were seen, and writes the rest; after an error all stays for the next time. @throws what the store threw */
  flush(): Promise<void>;
}

export interface ActivityDependencies {
  readonly activity: ActivityStore;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Gathers the last login and the last failure of each device. */
export function createActivityRecorder({ activity, now }: ActivityDependencies): ActivityRecorder {
  let logins = new Map<string, NonNullable<Sighting["login"]>>();
  let failures = new Map<string, NonNullable<Sighting["failure"]>>();
  /** When the move of each device began that logged in by its own key. */
  let moves = new Map<string, number>();

  return {
    watch(logIn) {
      return async (request, caller) => {
        try {
          const login = await logIn(request, caller);
          note(logins, request.deviceKey, { at: now(), keyId: login.keyId }, MOST_LOGINS);
          if (login.movingSince !== undefined) note(moves, request.deviceKey, login.movingSince, MOST_LOGINS);
          return login;
        } catch (error) {
          if (error instanceof AuthError && FAILURES.includes(error.reason)) {
            note(failures, request.deviceKey, { at: now(), reason: error.reason }, MOST_FAILURES);
          }
          throw error;
        }
      };
    },

    async flush() {
      const seen = { logins, failures, moves };
      [logins, failures, moves] = [new Map(), new Map(), new Map()];
      // In order: neighbours share the pages of a table, and fewer are written.
      const names = [...new Set([...seen.logins.keys(), ...seen.failures.keys()])].sort();
      try {
        await activity.finishMoves(
          [...seen.moves].map(([deviceKey, movingSince]) => ({ deviceKey, movingSince })),
          now(),
        );
        await activity.record(
          names.map((deviceKey) => ({
            deviceKey,
            login: seen.logins.get(deviceKey),
            failure: seen.failures.get(deviceKey),
          })),
        );
      } catch (error) {
        // A newer sighting stays; one that was written already changes nothing.
        logins = new Map([...seen.logins, ...logins]);
        failures = new Map([...seen.failures, ...failures]);
        moves = new Map([...seen.moves, ...moves]);
        throw error;
      }
    },
  };
}

function note<Seen>(kept: Map<string, Seen>, deviceKey: string, seen: Seen, most: number): void {
  if (kept.has(deviceKey)) kept.set(deviceKey, seen);
  else if (kept.size < most) kept.set(copyOf(deviceKey), seen);
}

/** Copies a text: a substring would keep the whole request in memory until it is written. */
function copyOf(deviceKey: string): string {
  return Buffer.from(deviceKey, "latin1").toString("latin1");
}
