// Last logins and failures of devices, collected in memory and written periodically.

import { AuthError, type Reason } from "./errors.ts";
import type { Caller, Login, LoginRequest } from "./login.ts";

/** The last login and last failure of a device since the previous update; undefined if there was none. */
export interface ActivityUpdate {
  readonly deviceKey: string;
  readonly login: { readonly at: number; readonly keyId: string } | undefined;
  readonly failure: { readonly at: number; readonly reason: string } | undefined;
}

/** A device that logged in by its own key while it moved to that key. */
export interface Move {
  readonly deviceKey: string;
  /** The start of the move as the login read it, in Unix milliseconds. */
  readonly movingSince: number;
}

/** The last login and failure of each device. Rejects with AuthError `unavailable` while the database is away. */
export interface ActivityStore {
  /** Writes a few hundred updates a transaction. Skips devices that were unknown at the time, and events older than the stored ones. */
  record(updates: readonly ActivityUpdate[]): Promise<void>;
  /** Ends the moves at `at`, in Unix milliseconds, with an audit event each: the shared key no longer proves logins. */
  finishMoves(moves: readonly Move[], at: number): Promise<void>;
}

/** The most devices whose logins are collected between two writes. */
const MOST_DEVICES = 200_000;
/** The most devices whose failures are collected. The bound is small: anyone can cause failures. */
const MOST_NAMES = 20_000;

/** Reasons that count as a failure of the device. */
const FAILURES: readonly Reason[] = ["clock_skew", "invalid_credentials", "rate_limited", "disabled", "replayed"];

type LogIn<From extends Caller> = (request: LoginRequest, caller: From) => Promise<Login>;

export interface ActivityRecorder {
  /** Wraps the use-case and collects its outcomes. */
  watch<From extends Caller>(logIn: LogIn<From>): LogIn<From>;
  /** Finishes the moves, then writes logins and failures. After an error the next call tries again. @throws the store's error */
  flush(): Promise<void>;
}

/** Events of a device since the last flush. */
interface Seen extends Partial<Omit<ActivityUpdate, "deviceKey">> {
  /** When the device's move to a derived key began; set after a login with that key. */
  readonly movingSince?: number;
}

/** Creates the recorder of the last login and failure of each device. `now` in Unix milliseconds. */
export function createActivityRecorder(activity: ActivityStore, now: () => number): ActivityRecorder {
  let gathered = new Map<string, Seen>();

  function note(deviceKey: string, seen: Seen, most: number): void {
    const before = gathered.get(deviceKey);
    if (before !== undefined) gathered.set(deviceKey, { ...before, ...seen });
    // Copied: a substring would keep the whole request in memory until the next flush.
    else if (gathered.size < most) gathered.set(Buffer.from(deviceKey, "latin1").toString("latin1"), seen);
  }

  return {
    watch(logIn) {
      return async (request, caller) => {
        try {
          const login = await logIn(request, caller);
          const { keyId, movingSince } = login;
          const move = movingSince === undefined ? {} : { movingSince };
          note(request.deviceKey, { login: { at: now(), keyId }, ...move }, MOST_DEVICES);
          return login;
        } catch (error) {
          if (error instanceof AuthError && FAILURES.includes(error.reason)) {
            note(request.deviceKey, { failure: { at: now(), reason: error.reason } }, MOST_NAMES);
          }
          throw error;
        }
      };
    },

    async flush() {
      const flushed = gathered;
      gathered = new Map();
      // Sorted: neighbours share pages of the table, so fewer pages are written.
      const all = [...flushed].sort(([one], [other]) => (one < other ? -1 : 1));
      try {
        const moves = all.flatMap(([deviceKey, { movingSince }]) =>
          movingSince === undefined ? [] : [{ deviceKey, movingSince }],
        );
        await activity.finishMoves(moves, now());
        await activity.record(all.map(([deviceKey, { login, failure }]) => ({ deviceKey, login, failure })));
      } catch (error) {
        // Newer events win; writing an event twice changes nothing.
        for (const [deviceKey, newer] of gathered) flushed.set(deviceKey, { ...flushed.get(deviceKey), ...newer });
        gathered = flushed;
        throw error;
      }
    },
  };
}
