// `npm run race [-- --decisions 1000000] [--processes 8] [--in-flight 64] [--keys 1,100,10000]`: no admission too many.

import { parseArgs } from "node:util";
import { startRedis } from "../../../bench/redis.ts";
import { isFair, race, renderRace } from "./race.ts";
import type { RaceReport } from "./race-check.ts";

const { values } = parseArgs({
  options: {
    decisions: { type: "string", default: "1000000" },
    processes: { type: "string", default: "8" },
    "in-flight": { type: "string", default: "64" },
    keys: { type: "string", default: "1,100,10000" },
  },
});

function readCount(name: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`--${name} is a whole number above zero`);
  return count;
}

const sets = values.keys.split(",").map((text) => readCount("keys", text));
const processes = readCount("processes", values.processes);
const inFlight = readCount("in-flight", values["in-flight"]);
const decisions = Math.ceil(readCount("decisions", values.decisions) / sets.length);

const redis = await startRedis();
const reports: RaceReport[] = [];
try {
  process.stdout.write(`${processes} processes, ${inFlight} in flight each, by Redis's clock\n`);
  for (const keys of sets) {
    const started = performance.now();
    const report = await race({ redisUrl: redis.url, processes, keys, decisions, inFlight });
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    process.stdout.write(`${keys} keys: ${renderRace(report)}; ${seconds} s\n`);
    reports.push(report);
  }
} finally {
  await redis.stop();
}
const total = (count: (report: RaceReport) => number): number =>
  reports.reduce((sum, report) => sum + count(report), 0);
process.stdout.write(
  [
    `decisions ${total((report) => report.decisions)}, admitted ${total((report) => report.admitted)}`,
    `over-admissions ${total((report) => report.overAdmissions)}\n`,
  ].join(", "),
);
process.exitCode = reports.every(isFair) ? 0 : 1;
