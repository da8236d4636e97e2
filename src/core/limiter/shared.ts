// What a limiter whose logs several gateways share owes beside a Limiter's obligations. Knows no store.

import type { Charge, Limiter, Verdict } from "../ports.ts";
import type { Receipt, ShadowLog } from "./shadow.ts";

/** A verdict, and what became of it in the store. */
export interface SharedVerdict extends Verdict {
  /** Microseconds of the clock that counts; undefined when the store was not asked. */
  readonly now: number | undefined;
  /** One a charge; undefined for what was not admitted. A store in parts may admit in one what another part denies. */
  readonly receipts: readonly (Receipt | undefined)[];
}

export interface SharedLimiter extends Limiter {
  /** @throws AuthError `unavailable`; whether the charges were written is not known then */
  charge(charges: readonly Charge[], now: number): Promise<SharedVerdict>;
  /** The verdict on charges one of which is known to be denied, without a round trip; else undefined. */
  recall(charges: readonly Charge[], now: number): Verdict | undefined;
  /** Writes where it hurts nobody. @returns microseconds of the clock that counts */
  probe(now: number): Promise<number>;
  /**
   * Makes the store's logs hold what they did and these admissions; all of it is sent before it returns. Told twice an exact
   * log is the same; of one that is counted by sub-window, what is not known to have arrived is added once more.
   * @returns for each log its generation, or why it could not be told
   */
  merge(logs: readonly ShadowLog[], now: number): Promise<(number | Error)[]>;
  /** This gateway begins to tell these servers all it knows, or has done so; or it knew nothing and only looks. */
  report(servers: string, what: "begun" | "done" | "seen"): Promise<Reports>;
  /** Whether a failure of `charge` says nothing of the store, but something of a key. */
  isOfKey(error: unknown): boolean;
}

/** How many gateways tell a store what they know, and how many have. */
export interface Reports {
  readonly begun: number;
  readonly done: number;
}

/** The connection to the store. */
export interface Reach {
  /** Names the servers asked: another name means that one of them may have lost what it was told. */
  identify(): Promise<string>;
  /** For how many seconds the server that was started last has run. */
  uptime(): Promise<number>;
  /** Gives up a connection that does not answer, for a new one. */
  replace(): void;
  /** Calls back when a connection is lost. */
  onLost(listener: (cause: Error) => void): void;
}
