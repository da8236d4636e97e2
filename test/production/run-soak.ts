// `npm run soak [-- --minutes 30]`: memory after garbage collections under a steady load. Exits 1 when it grows by 2 MiB an hour.

import { machineLoad, readNumbers, report } from "../long-run.ts";
import { describeCounts } from "./load.ts";
import { runSoak } from "./soak.ts";

const minutes = readNumbers({ minutes: 30 })("minutes");
const { counts, samples, slope } = await runSoak(minutes * 60, 15);
report(
  `${minutes} minutes, ${describeCounts(counts)}: ${samples[0]?.toFixed(1)} to ${samples.at(-1)?.toFixed(1)} MiB after a collection, ` +
    `${slope.toFixed(2)} MiB an hour in the second half; ${machineLoad()}`,
  [],
  !(slope < 2),
);
