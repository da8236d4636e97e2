// `npm run differential [-- --logins 100000] [--seed N]`: random logins through every protocol and listener, for long.

import { parseArgs } from "node:util";
import fc from "fast-check";
import { openDifferential, plans } from "./differential.ts";

const { values } = parseArgs({
  options: {
    logins: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const logins = Number(values.logins);
const differential = await openDifferential();
process.stdout.write(`${logins} logins through ${differential.ways.length} ways, seed ${values.seed}\n`);

const outcomes = new Map<string, number>();
let sent = 0;
let differences = 0;
// In batches: a sample is made whole before it is used.
for (let batch = 0; sent < logins; batch++) {
  for (const plan of fc.sample(plans, { numRuns: Math.min(1_000, logins - sent), seed: Number(values.seed) + batch })) {
    sent++;
    const difference = await differential.compare(plan, (outcome) =>
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1),
    );
    if (difference === undefined) continue;
    differences++;
    if (differences <= 10) process.stdout.write(`${JSON.stringify(difference, null, 2)}\n`);
  }
  if (sent % 10_000 === 0) process.stdout.write(`${sent} logins, ${differences} differences\n`);
}
await differential.close();
process.stdout.write(`${JSON.stringify(Object.fromEntries([...outcomes].sort()))}\n`);
process.stdout.write(`${sent} logins through ${differential.ways.length} ways: ${differences} differences\n`);
process.exitCode = differences === 0 ? 0 : 1;
