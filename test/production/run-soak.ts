// `npm run soak [-- --minutes 30]`: memory after collections under a steady load. Exits 1 when it grows by 2 MiB an hour.

import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { runSoak } from "./soak.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" } } });
const { logins, samples, slope } = await runSoak(Number(values.minutes) * 60, 15);
process.stdout.write(
  `${values.minutes} minutes, ${logins}: ${samples[0]?.toFixed(1)} to ${samples.at(-1)?.toFixed(1)} MiB after a collection, ` +
    `${slope.toFixed(2)} MiB an hour in the second half; load of the machine ${loadavg()[0]?.toFixed(1)}\n`,
);
process.exitCode = slope < 2 ? 0 : 1;
