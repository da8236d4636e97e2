// Keeps one session with a store open: opens the next when one ends, is given up or stays down. Knows no driver.

/** All connections that one attempt to reach a store has made. Nothing outlives it: what it sent, the next knows nothing of. */
export interface Session {
  /** Whether it is connected to all it needs, to some of it, or to none. */
  state(): "whole" | "part" | "down";
  close(): void;
}

/** What a session tells of itself, once it is opened; of one that has been given up nothing is heard. */
export interface SessionEvents {
  /** The state may be another. */
  changed(): void;
  /** A connection did not come about, or broke. */
  failed(cause: Error): void;
  /** A connection that was ready is no more: the server may have lost its data meanwhile. */
  lost(cause: Error): void;
  /** It will not come back by itself. */
  ended(): void;
}

export interface SessionHearing {
  /** The first failure of an outage. */
  away(cause: Error): void;
  /** Each of them. */
  failed?(cause: Error): void;
  lost(cause: Error): void;
}

export interface Sessions<Opened> {
  current(): Opened;
  /** Gives the present session up and opens another at once. */
  replace(): void;
  /** Resolves when the first session is whole, has failed, or has had `START_MS`. */
  readonly started: Promise<void>;
  close(): void;
}

const START_MS = 1_000;
const RETRY_MS = 50;
/** A session that is down for this long is given up, whatever it hopes for. */
const PATIENCE_MS = 2_000;

export function keepOpen<Opened extends Session>(
  open: (events: SessionEvents) => Opened,
  hearing: SessionHearing,
): Sessions<Opened> {
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const startTimer = setTimeout(start, START_MS);
  let patience: NodeJS.Timeout | undefined;
  let retry: NodeJS.Timeout | undefined;
  let away = false;
  let closed = false;
  let generation = 0;
  let session = next();

  function next(): Opened {
    const mine = ++generation;
    const ifPresent =
      <Args extends unknown[]>(act: (...args: Args) => void) =>
      (...args: Args): void => {
        if (mine === generation) act(...args);
      };
    clearTimeout(retry);
    waitNoLonger();
    wait();
    return open({
      changed: ifPresent(changed),
      failed: ifPresent(failed),
      lost: ifPresent((cause) => {
        failed(cause);
        hearing.lost(cause);
        changed();
      }),
      ended: ifPresent(() => {
        clearTimeout(retry);
        retry = setTimeout(replace, RETRY_MS);
      }),
    });
  }

  function changed(): void {
    const state = session.state();
    if (state === "down") {
      wait();
      return;
    }
    waitNoLonger();
    if (state === "part") return;
    away = false;
    start();
  }

  function failed(cause: Error): void {
    if (!away) hearing.away(cause);
    hearing.failed?.(cause);
    away = true;
    start();
  }

  function wait(): void {
    patience ??= setTimeout(() => {
      failed(new Error("Redis does not answer"));
      replace();
    }, PATIENCE_MS);
  }

  function waitNoLonger(): void {
    clearTimeout(patience);
    patience = undefined;
  }

  function replace(): void {
    if (closed) return;
    generation++;
    session.close();
    session = next();
  }

  return {
    current: () => session,
    replace,
    started: started.finally(() => clearTimeout(startTimer)),
    close() {
      closed = true;
      generation++;
      for (const timer of [patience, retry, startTimer]) clearTimeout(timer);
      start();
      session.close();
    },
  };
}
