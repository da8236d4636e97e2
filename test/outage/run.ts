// `npm run outage [-- --only kill] [--away 30]`: each way in which Redis is away, under load, and what came of it.

import { parseArgs } from "node:util";
import { FAULTS, type FaultName } from "./faults.ts";
import { EXACT_AGAIN_MS, type OutageOptions, type OutageReport, runCalm, runOutage } from "./outage.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    away: { type: "string", default: "30" },
    rate: { type: "string", default: "150" },
  },
});
const isFault = (name: string): name is FaultName => Object.hasOwn(FAULTS, name);
const names = values.only.length === 0 ? Object.keys(FAULTS) : values.only;
if (!names.every(isFault)) throw new Error(`--only is one of ${Object.keys(FAULTS).join(", ")}`);

const WINDOW_MS = 10_000;
const LATER_MS = 60;

let failed = false;
for (const fault of names) {
  const options: OutageOptions = {
    fault,
    limits: { limit: 10, windowMs: WINDOW_MS },
    devices: 50,
    rate: Number(values.rate),
    beforeMs: 5_000,
    awayMs: Number(values.away) * 1_000,
    afterMs: WINDOW_MS + 5_000,
  };
  const calm = await runCalm(options);
  const report = await runOutage(options);
  // Where nothing is away nothing is over the limit.
  const bound = fault === "move" ? options.limits.limit : report.bound;
  const targets = judge({ ...report, bound }, calm);
  process.stdout.write(`\n${fault}: ${report.logins} logins at two gateways, ${report.executed} decided by Redis\n`);
  for (const { text, met } of targets) process.stdout.write(`  ${text}: ${met ? "met" : "NOT met"}\n`);
  failed ||= targets.some(({ met }) => !met);
}
process.exitCode = failed ? 1 : 0;

function judge(report: OutageReport, calmMs: number): { readonly text: string; readonly met: boolean }[] {
  const {
    failed: failures,
    most,
    bound,
    overAdmitted,
    falselyDenied,
    exactAgainMs,
    executed,
    repeated,
    p999Ms,
  } = report;
  return [
    { text: `${failures} answered 5xx or not at all`, met: failures === 0 },
    { text: `at most ${most} admitted in a window, bound ${bound}`, met: most <= bound },
    {
      text: `exact again ${exactAgainMs.toFixed(0)} ms after its return, at most ${EXACT_AGAIN_MS}`,
      met: exactAgainMs <= EXACT_AGAIN_MS,
    },
    { text: `${overAdmitted} over-admitted before and then`, met: overAdmitted === 0 },
    { text: `${falselyDenied} falsely denied before and then`, met: falselyDenied === 0 },
    { text: `${repeated} of ${executed} proofs sent twice`, met: executed > 0 && repeated === 0 },
    {
      text: `p99.9 ${p999Ms.toFixed(1)} ms, at most ${LATER_MS} over ${calmMs.toFixed(1)} ms without an outage`,
      met: p999Ms <= calmMs + LATER_MS,
    },
  ];
}
