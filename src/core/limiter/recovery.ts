// What a store has to be told before it is trusted again. Knows no driver, and decides no charge.

import { createDeadline, type Within } from "./deadline.ts";
import type { Shadow, ShadowLog } from "./shadow.ts";
import type { Reach, SharedLimiter } from "./shared.ts";
import type { StoreClock } from "./store-clock.ts";

export interface RecoveryDependencies {
  readonly limiter: Pick<SharedLimiter, "probe" | "merge" | "report">;
  readonly reach: Pick<Reach, "identify" | "replace">;
  readonly shadow: Shadow;
  readonly clock: StoreClock;
  /** Bounds a probe. */
  readonly within: Within;
  /** How many gateways share the store. */
  readonly instances: number;
  /** Milliseconds since any fixed instant, monotonic. */
  readonly elapsed: () => number;
  /** What a call that took too long rejects with. */
  readonly expire: () => Error;
}

/** What came of a recovery. */
export interface Recovered {
  /** How many logs the store was told. */
  readonly logs: number;
  /** It may have lost what it knew. */
  readonly lost: boolean;
}

export interface Recovery {
  /** Trusts the store as it is. Rejects when it does not answer. */
  trust(): Promise<void>;
  /** Tells the store what it must know, and calls `done` while it knows all there is. Rejects when it does not answer. */
  recover(done: (recovered: Recovered) => void): Promise<void>;
}

/** A connection that has not answered for so many probes is replaced. */
const PROBES_PER_CONNECTION = 2;
/**
 * A store that may have lost its logs is trusted once every gateway has told it what it admitted; one that has not by then is
 * not there: a connection, a probe and a deadline take less.
 */
const SETTLE_MS = 600;
const SETTLE_CHECK_MS = 20;
const MERGE_DEADLINE_MS = 1_000;
const LOGS_PER_TURN = 500;
/** More than that is no drift: the store runs by another clock now. */
const LARGEST_CLOCK_ERROR_US = 100_000;

/** Recovers a store that was away. */
export function createRecovery(dependencies: RecoveryDependencies): Recovery {
  const { limiter, reach, shadow, clock, within, instances, elapsed, expire } = dependencies;
  const withinMerge = createDeadline({ ms: MERGE_DEADLINE_MS, elapsed, expire });
  let trusted: string | undefined;
  let silentProbes = 0;

  /** By the store's clock as it is known here, in milliseconds. */
  const now = (): number => clock.read(0) / 1000;

  async function find(): Promise<string> {
    try {
      const servers = await within(reach.identify());
      silentProbes = 0;
      return servers;
    } catch (error) {
      if (silentProbes++ % PROBES_PER_CONNECTION === 0) reach.replace();
      throw error;
    }
  }

  /** @returns how many logs there were */
  async function tell(what: "all" | "untold"): Promise<number> {
    const logs = shadow.list(what, now() * 1000)[Symbol.iterator]();
    let count = 0;
    // One turn is on its way while the next is made, and no more: logins go on beside them.
    let sent: Promise<void> = Promise.resolve();
    for (;;) {
      const turn = takeTurn(logs);
      const before = sent;
      sent = turn.length === 0 ? before : tellTurn(turn);
      // Where the one before fails, nobody waits for this one.
      sent.catch(() => {});
      await before;
      if (turn.length === 0) return count;
      count += turn.length;
    }
  }

  async function tellTurn(turn: readonly ShadowLog[]): Promise<void> {
    const generations = await withinMerge(limiter.merge(turn, now()));
    for (const [order, log] of turn.entries()) shadow.told(log, generations[order] ?? 0);
  }

  /** Waits until every gateway has told the store what it knew, or has had the time to. */
  async function settle(servers: string, until: number): Promise<void> {
    while ((await within(limiter.report(servers))) < instances && elapsed() < until) await wait(SETTLE_CHECK_MS);
  }

  return {
    async trust() {
      trusted = await withinMerge(reach.identify());
      // Its clock is known then, and it knows the script before the first login asks for it.
      clock.set(await withinMerge(limiter.probe(now())));
    },

    async recover(done) {
      // 1. Found: does it answer, and is it still the one that was trusted?
      const servers = await find();
      const lost = servers !== trusted;
      const error = clock.set(await within(limiter.probe(now())));
      if (Math.abs(error) > LARGEST_CLOCK_ERROR_US) shadow.shift(error);

      // 2. Told: of everything where it may have lost what it knew, else of what was decided without it.
      let logs = await tell(lost ? "all" : "untold");

      // 3. Settled: the others tell it of theirs meanwhile, and this gateway goes on deciding alone.
      if (lost) await settle(servers, elapsed() + SETTLE_MS);
      while (!shadow.isTold()) logs += await tell("untold");
      trusted = servers;
      done({ logs, lost });
    },
  };
}

function takeTurn(logs: Iterator<ShadowLog>): ShadowLog[] {
  const turn: ShadowLog[] = [];
  while (turn.length < LOGS_PER_TURN) {
    const { done, value } = logs.next();
    if (done === true) break;
    turn.push(value);
  }
  return turn;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());
