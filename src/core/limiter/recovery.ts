// What a store has to be told before it is trusted again. Knows no driver, and decides no charge.

import { createDeadline, type Within } from "../deadline.ts";
import type { Shadow, ShadowLog } from "./shadow.ts";
import type { Reach, SharedLimiter } from "./shared.ts";
import type { StoreClock } from "./store-clock.ts";

export interface RecoveryDependencies {
  readonly limiter: Pick<SharedLimiter, "probe" | "merge" | "report">;
  readonly reach: Pick<Reach, "identify" | "uptime" | "replace">;
  readonly shadow: Shadow;
  readonly clock: StoreClock;
  /** Bounds how long is waited to hear whether it is there; once it is, others may be telling it what they know. */
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
  /** Trusts the store as it is. Rejects when it does not answer, or has only just started. */
  trust(): Promise<void>;
  /**
   * Tells the store what it must know, and calls `done` once whatever is asked of it afterwards finds all of that. Rejects when
   * it does not answer, before that or after.
   */
  recover(done: (recovered: Recovered) => void): Promise<void>;
}

/** At the first probe that fails a connection is given up, and so is the next one after as many more. */
const PROBES_PER_CONNECTION = 2;
/** A gateway that has not found the store by then is not there: a connection, a probe and a deadline take less. */
const SETTLE_MS = 600;
/** One that has found it, and has not told it all by then, is waited for no longer. */
const LONGEST_TELLING_MS = 10_000;
const SETTLE_CHECK_MS = 20;
/** A store that has run for less may have been empty when it started, and may not have been told by the other gateways yet. */
const JUST_STARTED_S = 10;
const MERGE_DEADLINE_MS = 1_000;
const LOGS_PER_TURN = 500;
/** So often what was admitted during a merge is waited for before the next; then it is sent as much as it is. */
const TURNS_BEFORE_LAST = 10;
/** More than that is no drift: the store runs by another clock now. */
const LARGEST_CLOCK_ERROR_US = 100_000;

/** Recovers a store that was away. */
export function createRecovery(dependencies: RecoveryDependencies): Recovery {
  const { limiter, reach, shadow, clock, within, instances, elapsed, expire } = dependencies;
  const withinMerge = createDeadline({ ms: MERGE_DEADLINE_MS, elapsed, expire });
  let trusted: string | undefined;
  let failedProbes = 0;

  /** By the store's clock as it is known here, in milliseconds. */
  const now = (): number => clock.read() / 1000;

  async function find(): Promise<string> {
    try {
      const servers = await within(reach.identify());
      failedProbes = 0;
      return servers;
    } catch (error) {
      if (failedProbes++ % PROBES_PER_CONNECTION === 0) reach.replace();
      throw error;
    }
  }

  /** @returns how many logs there were */
  async function tell(what: "all" | "untold"): Promise<number> {
    const logs = shadow.list(what, clock.read())[Symbol.iterator]();
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
    const outcomes = await withinMerge(limiter.merge(turn, now()));
    for (const [place, log] of turn.entries()) {
      const generation = outcomes[place];
      if (typeof generation === "number") shadow.told(log, generation);
    }
    const failure = outcomes.find((outcome) => outcome instanceof Error);
    if (failure !== undefined) throw failure;
  }

  /** Waits until every gateway has told the store what it knew, or is not there to do so. */
  async function settle(servers: string, foundAt: number): Promise<void> {
    for (;;) {
      const { begun, done } = await withinMerge(limiter.report(servers, knows() ? "done" : "seen"));
      const waited = elapsed() - foundAt;
      const allAreHere = done >= instances || waited >= SETTLE_MS;
      if ((allAreHere && done >= begun) || waited >= LONGEST_TELLING_MS) return;
      await wait(SETTLE_CHECK_MS);
    }
  }

  /**
   * Whether this gateway may know of admissions that a store has lost: one that never trusted any has its own share to tell
   * alone, which nobody need wait for. Started anew again and again, it would be counted each time.
   */
  const knows = (): boolean => trusted !== undefined;

  return {
    async trust() {
      const servers = await withinMerge(reach.identify());
      // Its clock is known then, and it knows the script before the first login asks for it.
      clock.set(await withinMerge(limiter.probe(now())));
      // What a recovery needs may be done: better told now than when it is needed.
      await withinMerge(limiter.report(servers, "seen"));
      if (instances > 1 && (await withinMerge(reach.uptime())) < JUST_STARTED_S)
        throw new Error("Redis started a moment ago, and other gateways may have to tell it of their admissions");
      trusted = servers;
    },

    async recover(done) {
      // 1. Found: does it answer, and is it still the one that was trusted?
      const servers = await find();
      const foundAt = elapsed();
      const lost = servers !== trusted;
      const error = clock.set(await withinMerge(limiter.probe(now())));
      if (Math.abs(error) > LARGEST_CLOCK_ERROR_US) shadow.shift(error);

      // 2. Told: of everything where it may have lost what it knew, else of what was decided without it.
      if (lost && knows()) await withinMerge(limiter.report(servers, "begun"));
      let logs = await tell(lost ? "all" : "untold");

      // 3. Settled: the others tell it of theirs meanwhile, and this gateway goes on deciding alone.
      if (lost) await settle(servers, foundAt);
      for (let turn = 0; turn < TURNS_BEFORE_LAST && shadow.untold() > LOGS_PER_TURN; turn++)
        logs += await tell("untold");

      // 4. Trusted: what is left is on its way before anything that is asked from now on, on the same connections.
      const rest = [...shadow.list("untold", clock.read())];
      const sent = tellTurn(rest);
      trusted = servers;
      done({ logs: logs + rest.length, lost });
      await sent;
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
