// `npm run outage [-- --only kill] [--away 30]`: each kind of Redis outage under load, and its result.
// On a busy disk the registry's writes are late too: with TMPDIR=/dev/shm the result depends on Redis alone.

import { parseArgs } from "node:util";
import { FAULTS, type FaultName } from "./faults.ts";
import { type OutageOptions, type OutageReport, runOutage } from "./outage.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    away: { type: "string", default: "30" },
  },
});
const isFault = (name: string): name is FaultName => Object.hasOwn(FAULTS, name);
const names = values.only.length === 0 ? Object.keys(FAULTS) : ["calm", ...values.only];
if (!names.every(isFault)) throw new Error(`--only is one of ${Object.keys(FAULTS).join(", ")}`);

const WINDOW_MS = 10_000;
const LATER_MS = 60;

function optionsOf(fault: FaultName): OutageOptions {
  return {
    fault,
    limits: { limit: 10, windowMs: WINDOW_MS },
    devices: 50,
    rate: 150,
    // The fault begins when the limits are free again, so that every admission is a decision.
    beforeMs: WINDOW_MS,
    awayMs: Number(values.away) * 1_000,
    afterMs: WINDOW_MS + 5_000,
  };
}

let calmMs = Number.NaN;
let isOver = false;
for (const fault of names) {
  const report = await runOutage(optionsOf(fault));
  if (fault === "calm") calmMs = report.p999Ms;
  process.stdout.write(`\n${fault}: ${report.logins} logins at two gateways\n`);
  for (const { text, met } of judge(report, calmMs)) {
    process.stdout.write(`  ${text}: ${met ? "met" : "NOT met"}\n`);
    isOver ||= !met;
  }
}
process.exitCode = isOver ? 1 : 0;

function judge(report: OutageReport, calmMs: number): { readonly text: string; readonly met: boolean }[] {
  const { failed, most, bound, falselyDenied, least, alone, p999Ms } = report;
  return [
    { text: `${failed} answered 5xx or not at all`, met: failed === 0 },
    { text: `at most ${most} admitted in a window, bound ${bound}`, met: most <= bound },
    {
      text: `${falselyDenied} denied after less than ${least} in their window; ${alone} decided without Redis`,
      met: falselyDenied === 0,
    },
    {
      text: `p99.9 ${p999Ms.toFixed(1)} ms, at most ${LATER_MS} over ${calmMs.toFixed(1)} ms without a fault`,
      met: p999Ms <= calmMs + LATER_MS,
    },
  ];
}
