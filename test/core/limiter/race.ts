// A race: processes that decide on the same keys of one Redis at once, and what their admissions prove. Knows no limiter.

import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { checkRace, type RaceReport } from "./race-check.ts";
import { policiesFor, type RacePlan, type RacePolicies, type RaceResult } from "./race-plan.ts";

export interface RaceOptions {
  readonly redisUrl: string;
  readonly processes: number;
  readonly keys: number;
  /** Number for all processes together. */
  readonly decisions: number;
  /** Number for each process. */
  readonly inFlight: number;
  /** Length of the sliding window; absent: one in which the race reaches the limit. */
  readonly windowMs?: number;
  /** The limiter's policies in place of the right ones, to make it over-admit. */
  readonly plant?: (policies: RacePolicies) => RacePolicies;
}

/** Runs a race over one set of keys. @throws Error when a process ends early */
export async function race(options: RaceOptions): Promise<RaceReport> {
  const { redisUrl, processes, keys, inFlight, windowMs, plant } = options;
  const decisions = Math.ceil(options.decisions / processes);
  const policies = policiesFor(keys, options.decisions, windowMs);
  const plan: RacePlan = {
    redisUrl,
    prefix: randomUUID(),
    keys,
    decisions,
    inFlight,
    policies,
    ...(plant && { planted: plant(policies) }),
  };
  const racers = Array.from({ length: processes }, () =>
    fork(new URL("./race-process.ts", import.meta.url), { execArgv: [], serialization: "advanced" }),
  );
  try {
    await Promise.all(racers.map((racer) => ask(racer, plan)));
    const results = await Promise.all(racers.map((racer) => ask(racer, "go")));
    // race-process.ts sends these messages.
    return checkRace(results as RaceResult[], policies, decisions * processes);
  } finally {
    for (const racer of racers) racer.kill();
  }
}

async function ask(racer: ChildProcess, message: RacePlan | "go"): Promise<unknown> {
  const answered = once(racer, "message");
  const ended = once(racer, "exit").then(() => {
    throw new Error("a process of the race ended early");
  });
  racer.send(message);
  const [answer] = await Promise.race([answered, ended]);
  return answer;
}

/** A report in a line, as commands and tests print it. */
export function renderRace({ decisions, admitted, closestMicros, ...faults }: RaceReport): string {
  const closest = Number.isFinite(closestMicros)
    ? `closest ${closestMicros} µs past the window`
    : "no more than a limit on any key";
  return [
    `decisions ${decisions}, admitted ${admitted}`,
    `over-admissions ${faults.overAdmissions}, false denials ${faults.falseDenials}, wrong times ${faults.wrongTimes}`,
    closest,
  ].join("; ");
}

/** Whether nothing was wrong. */
export function isFair({ overAdmissions, falseDenials, wrongTimes }: RaceReport): boolean {
  return overAdmissions + falseDenials + wrongTimes === 0;
}
