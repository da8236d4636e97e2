// The database's circuit breaker: fails fast, probes, and notifies of changes.

import { AuthError } from "../core/errors.ts";

export type Access = "read" | "write";

/** Notified of each change; `cause` is the driver's error. */
export interface OutageListener {
  away(access: Access, cause: unknown): void;
  back(access: Access): void;
}

/** A circuit breaker for look-ups, and the outcome of the last write. */
export interface Outage {
  /** @throws AuthError `unavailable` while the database does not answer */
  check(): void;
  lookUpFailed(cause: unknown): void;
  /** Reports a failed read other than a look-up: a probe decides whether look-ups fail too. */
  readFailed(cause: unknown): void;
  /** Reports a failed write: a probe decides whether reads fail too. */
  writeFailed(cause: unknown): void;
  /** Reports a committed transaction that changed rows. */
  wrote(): void;
  /** False after a write that failed, until one succeeds. */
  canWrite(): boolean;
  close(): void;
}

export interface OutageOptions {
  /** Runs any query that reads. Rejects within about a second. */
  readonly probe: () => Promise<unknown>;
  readonly listener: OutageListener;
  /** Called when look-ups begin to fail. */
  readonly onAway?: () => void;
}

const PROBE_MS = 250;
/** The most probes at once: with a hanging server one takes a second, and the next do not wait for it. */
const MOST_PROBES = 4;
const RETRY_MS = 5_000;

/** Creates the error. Its wait is random between 5 and 10 s, so that devices do not return together. */
export function storeUnavailable(what: string, options?: ErrorOptions): AuthError {
  const retryAfterMs = RETRY_MS * (1 + Math.random());
  return new AuthError("unavailable", `the registry ${what}. Try again later`, { retryAfterMs }, options);
}

export function createOutage({ probe, listener, onAway = () => {} }: OutageOptions): Outage {
  let isAway = false;
  let isWritable = true;
  let probes = 0;
  let timer: NodeJS.Timeout | undefined;

  function recover(): void {
    if (!isAway) return;
    clearInterval(timer);
    isAway = false;
    listener.back("read");
  }

  async function startProbe(): Promise<void> {
    if (probes >= MOST_PROBES) return;
    probes++;
    await probe().then(recover, () => {});
    probes--;
  }

  function trip(cause: unknown): void {
    if (isAway) return;
    isAway = true;
    listener.away("read", cause);
    onAway();
    timer = setInterval(startProbe, PROBE_MS).unref();
    void startProbe();
  }

  return {
    check() {
      if (isAway) throw storeUnavailable("cannot be reached now");
    },
    lookUpFailed: trip,
    readFailed(cause) {
      if (!isAway) probe().catch(() => trip(cause));
    },
    writeFailed(cause) {
      if (isAway || !isWritable) return;
      probe().then(
        () => {
          if (isWritable) listener.away("write", cause);
          isWritable = false;
        },
        () => trip(cause),
      );
    },
    wrote() {
      if (!isWritable) listener.back("write");
      isWritable = true;
    },
    canWrite: () => isWritable,
    close: () => clearInterval(timer),
  };
}
