// The last login and failure of each device, gathered and written in batches. Knows no protocol, database or clock.

import { AuthError, type Reason } from "./errors.ts";
import type { Caller, Login, LoginRequest } from "./login.ts";
import type { ActivityStore, Sighting } from "./registry/record-ports.ts";

/** Names with a failure that are gathered at most: past that, failures of others are dropped, since anyone can make them. */
const MOST_FAILURES = 20_000;
/** Names with a login: as many as there are, but for a database that has been away for long. */
const MOST_LOGINS = 200_000;
/** Sightings of one write: so many hold up logins for a few milliseconds. */
const BATCH = 250;

/** Reasons that are noted as a failure of the device; others tell nothing of it. */
const FAILURES: readonly Reason[] = ["clock_skew", "invalid_credentials", "rate_limited", "disabled", "replayed"];

type SeenLogin = NonNullable<Sighting["login"]>;
type SeenFailure = NonNullable<Sighting["failure"]>;
type LogIn<From extends Caller> = (request: LoginRequest, caller: From) => Promise<Login>;

export interface ActivityRecorder {
  /** The same use-case, watched. */
  watch<From extends Caller>(logIn: LogIn<From>): LogIn<From>;
  /** Finishes the moves that were seen, and writes the rest. A failed write stays for the next time. @throws what the store threw */
  flush(): Promise<void>;
}

export interface ActivityDependencies {
  readonly activity: ActivityStore;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Gathers the last login and the last failure of each device. */
export function createActivityRecorder({ activity, now }: ActivityDependencies): ActivityRecorder {
  let logins = new Map<string, SeenLogin>();
  let failures = new Map<string, SeenFailure>();
  /** When the move of each device began that logged in by its own key. */
  let moves = new Map<string, number>();

  async function finishMoves(): Promise<void> {
    if (moves.size === 0) return;
    const seen = moves;
    moves = new Map();
    try {
      const finished = [...seen].map(([deviceKey, movingSince]) => ({ deviceKey, movingSince }));
      await activity.finishMoves(finished, now());
    } catch (error) {
      for (const [deviceKey, movingSince] of seen) putBack(moves, deviceKey, movingSince, MOST_LOGINS);
      throw error;
    }
  }

  async function record(): Promise<void> {
    const [seenLogins, seenFailures] = [logins, failures];
    [logins, failures] = [new Map(), new Map()];
    // In order, so that a batch is of neighbours: the fewer pages of a table it changes, the less is written.
    const names = [...new Set([...seenLogins.keys(), ...seenFailures.keys()])].sort();
    for (let start = 0; start < names.length; start += BATCH) {
      const batch = names.slice(start, start + BATCH);
      try {
        await activity.record(
          batch.map((deviceKey) => ({
            deviceKey,
            login: seenLogins.get(deviceKey),
            failure: seenFailures.get(deviceKey),
          })),
        );
      } catch (error) {
        // A newer sighting stays.
        for (const deviceKey of names.slice(start)) {
          putBack(logins, deviceKey, seenLogins.get(deviceKey), MOST_LOGINS);
          putBack(failures, deviceKey, seenFailures.get(deviceKey), MOST_FAILURES);
        }
        throw error;
      }
    }
  }

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
      await finishMoves();
      await record();
    },
  };
}

function note<Seen>(kept: Map<string, Seen>, deviceKey: string, seen: Seen, most: number): void {
  if (kept.has(deviceKey)) kept.set(deviceKey, seen);
  else if (kept.size < most) kept.set(copyOf(deviceKey), seen);
}

function putBack<Seen>(kept: Map<string, Seen>, deviceKey: string, seen: Seen | undefined, most: number): void {
  if (seen !== undefined && !kept.has(deviceKey) && kept.size < most) kept.set(deviceKey, seen);
}

/** Copies a text: a substring would keep the whole request in memory until it is written. */
function copyOf(deviceKey: string): string {
  return Buffer.from(deviceKey, "latin1").toString("latin1");
}
