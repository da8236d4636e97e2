// The admissions of one key that this gateway knows of, oldest first, by instants of the store's clock in microseconds.

import type { Policy } from "../ports.ts";
import { LARGEST_EXACT_LIMIT, quantumOf } from "./window.ts";

/** Admissions at one instant. */
export interface Admission {
  readonly at: number;
  readonly count: number;
  /** How many of them the store has never been told of. */
  readonly untold: number;
}

/** An admission that may be counted again. */
export interface Entry {
  at: number;
  count: number;
  untold: number;
}

/** An admission is dated as the store dates it: where sub-windows are counted, at the end of one. */
export function tickOf(policy: Policy, at: number): number {
  const quantum = quantumOf(policy.limit, policy.windowMs * 1000);
  return Math.ceil(at / quantum) * quantum;
}

/** Drops what left the window; and, where more than the limit was let in, what no decision can depend on any more. */
export function forgetAdmissions(entries: Entry[], { limit, windowMs }: Policy, at: number): void {
  const first = at - windowMs * 1000;
  let leaving = 0;
  while ((entries[leaving]?.at ?? Number.POSITIVE_INFINITY) <= first) leaving++;
  if (limit <= LARGEST_EXACT_LIMIT) leaving = Math.max(leaving, entries.length - limit);
  if (leaving > 0) entries.splice(0, leaving);
}

/** Adds one, in its place, and drops what left the window. */
export function addAdmission(entries: Entry[], policy: Policy, at: number, isTold: boolean): void {
  forgetAdmissions(entries, policy, at);
  const tick = tickOf(policy, at);
  let place = entries.length;
  while (place > 0 && (entries[place - 1]?.at ?? 0) > tick) place--;
  let entry = entries[place - 1];
  if (entry?.at !== tick) {
    entry = { at: tick, count: 0, untold: 0 };
    entries.splice(place, 0, entry);
  }
  entry.count++;
  if (!isTold) entry.untold++;
}

/** Takes one back that was added at `at` and that the store was not told of. */
export function removeUntold(entries: Entry[], policy: Policy, at: number): void {
  const tick = tickOf(policy, at);
  const entry = entries.find((candidate) => candidate.at === tick && candidate.untold > 0);
  if (entry === undefined) return;
  entry.count--;
  entry.untold--;
  if (entry.count === 0) entries.splice(entries.indexOf(entry), 1);
}
