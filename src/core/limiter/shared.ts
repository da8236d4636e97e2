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
   * Makes the store's logs hold what they did and these admissions. Told twice it changes nothing, but for the untold part
   * of limits that are counted by sub-window. @returns each log's generation
   */
  merge(logs: readonly ShadowLog[], now: number): Promise<number[]>;
  /** This gateway has told these servers all it knew. @returns how many gateways have */
  report(servers: string): Promise<number>;
}

/** The connection to the store. */
export interface Reach {
  /** Names the servers asked: another name means that one of them may have lost what it was told. */
  identify(): Promise<string>;
  /** Gives up a connection that does not answer, for a new one. */
  replace(): void;
  /** Calls back when a connection is lost. */
  onLost(listener: (cause: Error) => void): void;
}
