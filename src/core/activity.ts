// What was last seen of each device, gathered as logins go by and kept in batches. Knows no protocol, database or clock.

import { AuthError, type Reason } from "./errors.ts";
import type { Caller, Login, LoginRequest } from "./login.ts";
import type { ActivityStore, Sighting } from "./registry/ports.ts";

/** Names that are gathered at most; past that, failures are dropped: anyone can make them. */
const MOST_NAMES = 20_000;
/** Sightings of one write: so many hold up logins for a few milliseconds. */
const BATCH = 250;

/** What failed in the name of a device; other reasons tell nothing of it, or of no device at all. */
const FAILURES: readonly Reason[] = ["clock_skew", "invalid_credentials", "rate_limited", "disabled", "replayed"];

type LogIn<From extends Caller> = (request: LoginRequest, caller: From) => Promise<Login>;

export interface ActivityRecorder {
  /** The same use-case, watched. */
  watch<From extends Caller>(logIn: LogIn<From>): LogIn<From>;
  /** Writes what was gathered. What cannot be written now is gathered again. @throws what the store threw */
  flush(): Promise<void>;
}

export interface ActivityDependencies {
  readonly activity: ActivityStore;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Gathers the last login and the last failure of each device. */
export function createActivityRecorder({ activity, now }: ActivityDependencies): ActivityRecorder {
  let seen = new Map<string, Sighting>();

  function note(deviceKey: string, { login, failure }: Omit<Sighting, "deviceKey">): void {
    const before = seen.get(deviceKey);
    if (before === undefined && seen.size >= MOST_NAMES) return;
    const name = before?.deviceKey ?? copyOf(deviceKey);
    seen.set(name, { deviceKey: name, login: login ?? before?.login, failure: failure ?? before?.failure });
  }

  return {
    watch(logIn) {
      return async (request, caller) => {
        try {
          const login = await logIn(request, caller);
          note(request.deviceKey, { login: { at: now(), keyId: login.keyId }, failure: undefined });
          return login;
        } catch (error) {
          if (error instanceof AuthError && FAILURES.includes(error.reason)) {
            note(request.deviceKey, { login: undefined, failure: { at: now(), reason: error.reason } });
          }
          throw error;
        }
      };
    },

    async flush() {
      const sightings = [...seen.values()];
      seen = new Map();
      for (let start = 0; start < sightings.length; start += BATCH) {
        try {
          await activity.record(sightings.slice(start, start + BATCH));
        } catch (error) {
          // What was seen since is newer.
          for (const { deviceKey, login, failure } of sightings.slice(start)) {
            const since = seen.get(deviceKey);
            note(deviceKey, { login: since?.login ?? login, failure: since?.failure ?? failure });
          }
          throw error;
        }
      }
    },
  };
}

/** What was cut out of a request would keep all of it until it is written. */
function copyOf(deviceKey: string): string {
  return Buffer.from(deviceKey, "latin1").toString("latin1");
}
