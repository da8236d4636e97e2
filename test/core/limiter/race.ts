// A race: concurrent processes decide on the same keys of one Redis; an exact window must decide the same.

import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { checkDecisions, type Decisions, type RaceReport } from "./race-check.ts";

export interface RaceOptions {
  readonly redisUrl: string;
  readonly processes: number;
  readonly keys: number;
  /** Number of decisions of all processes together. */
  readonly decisions: number;
  /** Number of calls under way in each process. */
  readonly inFlight: number;
  readonly limit: number;
  readonly windowMs: number;
}

/** Message to a process of the race, which uses the keys under `prefix`. */
export interface RacePlan extends RaceOptions {
  readonly prefix: string;
}

/** Runs a race over one set of keys. @throws Error when a process ends early */
export async function race(options: RaceOptions): Promise<RaceReport> {
  const { processes, limit, windowMs } = options;
  const plan: RacePlan = { ...options, decisions: Math.ceil(options.decisions / processes), prefix: randomUUID() };
  const racers = Array.from({ length: processes }, () =>
    fork(new URL("./race-process.ts", import.meta.url), { execArgv: [], serialization: "advanced" }),
  );
  try {
    await Promise.all(racers.map((racer) => ask(racer, plan)));
    const results = await Promise.all(racers.map((racer) => ask(racer, "go")));
    // race-process.ts sends these messages.
    return checkDecisions(results as Decisions[], limit, windowMs * 1_000);
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
