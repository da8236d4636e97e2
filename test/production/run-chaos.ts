// `npm run chaos [-- --logins 1000000 --every 10]`: faults under load. Exits 1 at a wrong answer or a crash.

import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";

const { values } = parseArgs({
  options: { logins: { type: "string", default: "1000000" }, every: { type: "string", default: "10" } },
});
const report = await runChaos({
  logins: Number(values.logins),
  everySeconds: Number(values.every),
  faults: 7,
  rate: 2_000,
});
const { faults, logins, counts, mistakes, crashes } = report;
process.stdout.write(
  `${logins} logins and ${faults.length} faults of ${new Set(faults).size} kinds: ${mistakes.length} wrong answers, ${crashes} crashes; ${counts}; ` +
    `load of the machine ${loadavg()[0]?.toFixed(1)}\n`,
);
for (const mistake of [...new Set(mistakes)].slice(0, 10)) process.stdout.write(`  ${mistake}\n`);
process.exitCode = mistakes.length > 0 || crashes > 0 ? 1 : 0;
