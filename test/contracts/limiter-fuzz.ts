// A limiter under millions of random calls, each of its verdicts judged. Knows no limiter and no clock.

import type { Verdict } from "../../src/core/ports.ts";
import { createJudge, type Fault } from "./limiter-ledger.ts";
import type { Chargeable } from "./limiter-model.ts";
import { type CallOptions, createCalls, type TimedCall } from "./limiter-random.ts";

export interface FuzzOptions {
  readonly operations: number;
  readonly seed: number;
  /** What the limiter can tell apart: calls come at multiples of so many milliseconds, 0.125 or 1. */
  readonly grainMs: number;
  /** Ends the run early: what comes before is as in the whole one. */
  readonly until?: number;
  /** Hears how many are done, after each batch. */
  readonly onProgress?: (done: number) => void;
}

export interface FuzzReport {
  readonly operations: number;
  readonly admitted: number;
  readonly denied: number;
  readonly stepsBackward: number;
  readonly faults: Readonly<Record<Fault, number>>;
  /** The first fault, with the latest calls that had to do with it. */
  readonly first: Finding | undefined;
}

export interface Finding {
  readonly fault: Fault;
  /** The place of the call, from 0: the same run `until` one more ends with it. */
  readonly operation: number;
  readonly call: TimedCall;
  readonly verdict: Verdict;
  /** The latest calls before it on the same keys, the oldest first. */
  readonly before: readonly TimedCall[];
}

/** Two batches wait for their verdicts at a time: enough for a Redis to be busy always. */
const BATCH = 1_000;
const MOST_BEFORE = 30;
/** Long enough to fill the scene of a few keys, and that of many; of what a run is between, every scene is played ten times. */
const SHORTEST_CYCLE = 10_000;
const LONGEST_CYCLE = 500_000;

/**
 * Puts random calls to a limiter that starts empty, counts by the time it is given and decides in the order it is called.
 * At most two batches are in flight at a time.
 */
export async function fuzz(limiter: Chargeable, options: FuzzOptions): Promise<FuzzReport> {
  const { operations, until = operations, onProgress } = options;
  const nextCall = createCalls(callOptions(options));
  const judge = createJudge();
  const faults: Record<Fault, number> = { "over-admission": 0, "false denial": 0, "wrong state": 0 };
  let sent = 0;
  let done = 0;
  let admitted = 0;
  let stepsBackward = 0;
  let latest = Number.NEGATIVE_INFINITY;
  let first: Finding | undefined;

  function send(): readonly { readonly call: TimedCall; readonly verdict: Verdict | Promise<Verdict> }[] {
    const count = Math.min(BATCH, until - sent);
    sent += count;
    return Array.from({ length: count }, nextCall).map((call) => ({
      call,
      verdict: limiter.charge(call.charges, call.now),
    }));
  }

  let batch = send();
  while (batch.length > 0) {
    const next = send();
    for (const { call, verdict: due } of batch) {
      const verdict = await due;
      if (call.now < latest) stepsBackward++;
      latest = call.now;
      if (verdict.denied === -1) admitted++;
      const fault = judge(call, verdict);
      if (fault !== undefined) {
        faults[fault]++;
        first ??= { fault, operation: done, call, verdict, before: callsBefore(options, done, call) };
      }
      done++;
    }
    onProgress?.(done);
    batch = next;
  }
  return { operations: done, admitted, denied: done - admitted, stepsBackward, faults, first };
}

function callOptions({ operations, seed, grainMs }: FuzzOptions): CallOptions {
  return { seed, grainMs, cycle: Math.max(SHORTEST_CYCLE, Math.min(LONGEST_CYCLE, Math.floor(operations / 10))) };
}

/** The calls on the same keys: the seed makes them again. */
function callsBefore(options: FuzzOptions, place: number, { charges }: TimedCall): readonly TimedCall[] {
  const nextCall = createCalls(callOptions(options));
  const names = new Set(charges.map(({ policy, key }) => `${policy.name} ${key}`));
  const found: TimedCall[] = [];
  for (let made = 0; made < place; made++) {
    const call = nextCall();
    if (!call.charges.some(({ policy, key }) => names.has(`${policy.name} ${key}`))) continue;
    found.push(call);
    if (found.length > MOST_BEFORE) found.shift();
  }
  return found;
}

/** A report in lines, as commands and tests print it. */
export function renderFuzz({ operations, admitted, denied, stepsBackward, faults, first }: FuzzReport): string {
  const lines = [
    `operations ${operations}, admitted ${admitted}, denied ${denied}, steps backward ${stepsBackward}`,
    `over-admissions ${faults["over-admission"]}, false denials ${faults["false denial"]}, wrong states ${faults["wrong state"]}`,
  ];
  if (first !== undefined) {
    lines.push(`first: ${first.fault} at operation ${first.operation}`);
    for (const call of first.before) lines.push(`  before: ${render(call)}`);
    lines.push(`  call: ${render(first.call)}`);
    const { denied: place, states } = first.verdict;
    const told = states.map((state) => state && `${state.remaining} left, reset ${state.resetMs} ms`);
    lines.push(`  verdict: ${place === -1 ? "admitted" : `denied by charge ${place}`} (${told.join("; ")})`);
  }
  return lines.join("\n");
}

function render({ now, charges }: TimedCall): string {
  const told = charges.map(({ policy, key }) => `${policy.name} ${policy.limit}/${policy.windowMs}ms "${key}"`);
  return `${now} ${told.join(", ")}`;
}
