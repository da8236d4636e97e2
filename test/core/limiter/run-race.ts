// `npm run race [-- --decisions 1000000] [--processes 8] [--in-flight 64] [--keys 1,100,10000]`: no admission too many.

import { parseArgs } from "node:util";
import { startRedis } from "../../redis/server.ts";
import { race } from "./race.ts";
import { renderRace } from "./race-check.ts";

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
// Each set of keys by an exact limit and by one that is counted in sub-windows.
const races = sets.flatMap((keys) => [10, 300].map((limit) => ({ keys, limit })));
const decisions = Math.ceil(readCount("decisions", values.decisions) / races.length);

await using cleanup = new AsyncDisposableStack();
const redis = await startRedis();
cleanup.defer(redis.stop);
process.stdout.write(`${processes} processes, ${inFlight} in flight each, by Redis's clock\n`);
const total = { decisions: 0, admitted: 0, overAdmissions: 0, falseDenials: 0 };
for (const { keys, limit } of races) {
  // About half of ten thousand decisions a second are admitted.
  const windowMs = Math.ceil(Math.max(20, (keys * limit) / 5));
  const report = await race({ redisUrl: redis.url, processes, keys, decisions, inFlight, limit, windowMs });
  process.stdout.write(`${keys} keys, ${limit} per ${windowMs} ms: ${renderRace(report)}\n`);
  for (const name of ["decisions", "admitted", "overAdmissions", "falseDenials"] as const) total[name] += report[name];
}
process.stdout.write(
  `decisions ${total.decisions}, admitted ${total.admitted}, over-admissions ${total.overAdmissions}, false denials ${total.falseDenials}\n`,
);
process.exitCode = total.overAdmissions + total.falseDenials === 0 ? 0 : 1;
