// The admissions of one key that this gateway knows of, oldest first, by instants of the store's clock in microseconds. Knows
// no key.

import type { Policy } from "../ports.ts";
import { LARGEST_EXACT_LIMIT, tickOf as roundUp } from "./window.ts";

/** Admissions at one instant. */
export interface Admission {
  readonly at: number;
  readonly count: number;
  /** How many of them the store has never been told of. */
  readonly untold: number;
}

/**
 * Three numbers for each instant: when, how many, how many of them untold. One flat array, since there is one for each device
 * that logged in lately: objects would cost the collector more than the limiter costs otherwise.
 */
export type Admissions = number[];

const WIDTH = 3;
const COUNT = 1;
const UNTOLD = 2;

/** Adds one admission, which may be older than others, and drops what had left the window by then. */
export function addAdmission(list: Admissions, policy: Policy, at: number, isTold: boolean): void {
  dropAdmissions(list, policy, at);
  const tick = tickOf(policy, at);
  const untold = isTold ? 0 : 1;
  // As a rule it is the newest.
  if (list.length === 0 || instantAt(list, list.length - WIDTH) < tick) {
    list.push(tick, 1, untold);
    return;
  }
  let place = list.length;
  while (place > 0 && instantAt(list, place - WIDTH) > tick) place -= WIDTH;
  if (place === 0 || instantAt(list, place - WIDTH) !== tick) list.splice(place, 0, tick, 0, 0);
  else place -= WIDTH;
  increase(list, place + COUNT, 1);
  increase(list, place + UNTOLD, untold);
}

/** Takes one back that was added at `at` and that the store was not told of. */
export function removeUntold(list: Admissions, policy: Policy, at: number): void {
  const place = placeOf(list, tickOf(policy, at));
  if (place === -1 || list[place + UNTOLD] === 0) return;
  increase(list, place + COUNT, -1);
  increase(list, place + UNTOLD, -1);
  if (list[place + COUNT] === 0) list.splice(place, WIDTH);
}

/** The store was told of so many at that instant; what was admitted since is not told yet. */
export function markTold(list: Admissions, { at, untold }: Admission): void {
  const place = placeOf(list, at);
  if (place !== -1) increase(list, place + UNTOLD, -Math.min(untold, list[place + UNTOLD] ?? 0));
}

/** Whether the store was told of all. */
export function isTold(list: Admissions): boolean {
  for (let place = UNTOLD; place < list.length; place += WIDTH) if (list[place] !== 0) return false;
  return true;
}

/** Moves what the store was never told of. */
export function shiftUntold(list: Admissions, policy: Policy, by: number): void {
  const moved = readAdmissions(list)
    .map((one) => (one.untold > 0 ? { ...one, at: tickOf(policy, one.at + by) } : one))
    .sort((one, other) => one.at - other.at);
  list.splice(0, list.length, ...moved.flatMap(({ at, count, untold }) => [at, count, untold]));
}

/** Drops what left the window that ends now. What lies ahead of the clock happened just now: the clock stepped backward. */
export function forgetAdmissions(list: Admissions, policy: Policy, now: number): void {
  if (instantAt(list, list.length - WIDTH) > tickOf(policy, now)) clampAdmissions(list, tickOf(policy, now));
  dropAdmissions(list, policy, now);
}

/** Drops what left the window; and, where more than the limit was let in, what no decision can depend on any more. */
function dropAdmissions(list: Admissions, { limit, windowMs }: Policy, at: number): void {
  const first = at - windowMs * 1000;
  let leaving = 0;
  while (leaving < list.length && instantAt(list, leaving) <= first) leaving += WIDTH;
  if (limit <= LARGEST_EXACT_LIMIT) leaving = Math.max(leaving, list.length - limit * WIDTH);
  if (leaving > 0) list.splice(0, leaving);
}

function clampAdmissions(list: Admissions, tick: number): void {
  const ahead = { at: tick, count: 0, untold: 0 };
  const behind = readAdmissions(list).filter(({ at, count, untold }) => {
    if (at < tick) return true;
    ahead.count += count;
    ahead.untold += untold;
    return false;
  });
  list.splice(0, list.length, ...[...behind, ahead].flatMap(({ at, count, untold }) => [at, count, untold]));
}

/** How many lie after `first`. */
export function countAfter(list: Admissions, first: number): number {
  let count = 0;
  for (let place = list.length - WIDTH; place >= 0 && instantAt(list, place) > first; place -= WIDTH) {
    count += list[place + COUNT] ?? 0;
  }
  return count;
}

/** When so many of those after `first` were admitted; undefined where there are not so many. */
export function instantOf(list: Admissions, first: number, number: number): number | undefined {
  let count = 0;
  for (let place = 0; place < list.length; place += WIDTH) {
    if (instantAt(list, place) <= first) continue;
    count += list[place + COUNT] ?? 0;
    if (count >= number) return instantAt(list, place);
  }
  return undefined;
}

export function readAdmissions(list: Admissions): Admission[] {
  const admissions: Admission[] = [];
  for (let place = 0; place < list.length; place += WIDTH) {
    const [at = 0, count = 0, untold = 0] = list.slice(place, place + WIDTH);
    admissions.push({ at, count, untold });
  }
  return admissions;
}

/** An admission is dated as the store dates it: where sub-windows are counted, at the end of one. */
function tickOf({ limit, windowMs }: Policy, at: number): number {
  return roundUp(limit, windowMs * 1000, at);
}

function placeOf(list: Admissions, at: number): number {
  for (let place = list.length - WIDTH; place >= 0; place -= WIDTH) if (list[place] === at) return place;
  return -1;
}

function instantAt(list: Admissions, place: number): number {
  return list[place] ?? 0;
}

function increase(list: Admissions, place: number, by: number): void {
  list[place] = (list[place] ?? 0) + by;
}
