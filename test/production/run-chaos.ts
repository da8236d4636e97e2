// `npm run chaos [-- --logins 1000000 --every 10]`: faults under load. Exits 1 at a wrong answer or a crash.

import { machineLoad, readNumbers, report } from "../long-run.ts";
import { runChaos } from "./chaos.ts";
import { describeCounts } from "./load.ts";

const number = readNumbers({ logins: 1_000_000, every: 10 });
const options = { logins: number("logins"), everySeconds: number("every"), faults: 7, rate: 2_000 };
const { faults, logins, counts, mistakes, crashes } = await runChaos(options);
report(
  `${logins} logins and ${faults.length} faults of ${new Set(faults).size} kinds: ${mistakes.length} wrong answers, ${crashes} crashes; ${describeCounts(counts)}; ` +
    machineLoad(),
  mistakes,
  mistakes.length > 0 || crashes > 0,
);
