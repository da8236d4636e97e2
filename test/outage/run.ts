// `npm run outage [-- --only kill] [--away 30]`: each kind of Redis outage under load, and its result.
// On a busy disk the registry's writes are late too: with TMPDIR=/dev/shm the result depends on Redis alone.

import { parseArgs } from "node:util";
import { report } from "../long-run.ts";
import { FAULTS, type FaultName } from "./faults.ts";
import { runOutage } from "./outage.ts";

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

let calmMs = Number.NaN;
for (const fault of names) {
  const { logins, failed, most, bound, falselyDenied, least, alone, p999Ms } = await runOutage({
    fault,
    limits: { limit: 10, windowMs: WINDOW_MS },
    devices: 50,
    rate: 150,
    // The fault begins when the limits are free again, so that every admission is a decision.
    beforeMs: WINDOW_MS,
    awayMs: Number(values.away) * 1_000,
    afterMs: WINDOW_MS + 5_000,
  });
  if (fault === "calm") calmMs = p999Ms;
  report(`\n${fault}: ${logins} logins at two gateways`);
  const late = `p99.9 ${p999Ms.toFixed(1)} ms, at most ${LATER_MS} over ${calmMs.toFixed(1)} ms without a fault`;
  for (const [line, isMet] of [
    [`${failed} answered 5xx or not at all`, failed === 0],
    [`at most ${most} admitted in a window, bound ${bound}`, most <= bound],
    [
      `${falselyDenied} denied after less than ${least} in their window; ${alone} decided without Redis`,
      falselyDenied === 0,
    ],
    [late, p999Ms <= calmMs + LATER_MS],
  ] as const) {
    report(`  ${line}: ${isMet ? "met" : "NOT met"}`, [], !isMet);
  }
}
