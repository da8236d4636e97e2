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
  process.stdout.write(`${fault}: ${describe(report, calm)}\n`);
  // Where nothing is away nothing is over the limit.
  failed ||= !holds(report, calm) || (fault === "move" && report.most > options.limits.limit);
}
process.exitCode = failed ? 1 : 0;

function describe(report: OutageReport, calmMs: number): string {
  return [
    `${report.logins} logins at two gateways`,
    `${report.failed} failed`,
    `at most ${report.most} admitted in a window, bound ${report.bound}`,
    `exact again ${report.exactAgainMs.toFixed(0)} ms after its return`,
    `then ${report.overAdmitted} over-admitted, ${report.falselyDenied} falsely denied`,
    `${report.executed} proofs executed by Redis, ${report.repeated} of them twice`,
    `p99.9 ${report.p999Ms.toFixed(1)} ms, ${calmMs.toFixed(1)} ms without an outage`,
  ].join("; ");
}

function holds(report: OutageReport, calmMs: number): boolean {
  const { failed: failures, most, bound, overAdmitted, falselyDenied, exactAgainMs, executed, repeated } = report;
  const exact = overAdmitted === 0 && falselyDenied === 0 && exactAgainMs <= EXACT_AGAIN_MS;
  const sentOnce = executed > 0 && repeated === 0;
  return failures === 0 && most <= bound && exact && sentOnce && report.p999Ms <= calmMs + LATER_MS;
}
