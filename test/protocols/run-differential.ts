// `npm run differential [-- --requests 100000] [--seed N]`: random logins and raw calls through every protocol, both
// listeners and the oracles.

import { randomInt } from "node:crypto";
import fc from "fast-check";
import { readNumbers, report } from "../long-run.ts";
import { say } from "../requirements.ts";
import { openDifferential, plans } from "./differential.ts";
import { openFrameDifferential, rawCalls } from "./frame-differential.ts";

const number = readNumbers({ requests: 100_000, seed: randomInt(1, 2 ** 31) });
const [requests, seed] = [number("requests"), number("seed")];
const BATCH = 1_000;

/** Sends `requests` samples and prints the first differences. @returns the number of differences */
async function run<Sample>(
  name: string,
  samples: fc.Arbitrary<Sample>,
  compare: (sample: Sample) => Promise<object | undefined>,
): Promise<number> {
  let differences = 0;
  for (let sent = 0; sent < requests; ) {
    const numRuns = Math.min(BATCH, requests - sent);
    for (const sample of fc.sample(samples, { numRuns, seed: seed + sent })) {
      sent++;
      const difference = await compare(sample);
      if (difference !== undefined && ++differences <= 10) say(JSON.stringify({ sample, difference }, null, 2));
    }
    if (sent % 10_000 === 0) say(`${name}: ${sent} sent, ${differences} differences`);
  }
  return differences;
}

const differential = await openDifferential();
say(`${requests} logins through ${differential.ways.length} ways, then ${requests} raw calls, seed ${seed}`);
const outcomes = new Map<string, number>();
const count = (outcome: string): unknown => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
const logins = await run("logins", plans, (plan) => differential.compare(plan, count));
// Opened only now: a gateway closes idle connections.
const frames = await openFrameDifferential();
const raw = await run("raw calls", rawCalls, frames.compare);
await differential.close();
await frames.close();
say(JSON.stringify(Object.fromEntries([...outcomes].sort())));
report(`logins: ${logins} differences. Raw calls: ${raw} differences`, [], logins + raw > 0);
