// `npm run bench:limiter [-- --only memory|cpu|throughput|denials|trips|merge] [--rounds N]`: what the limiter costs, and its targets.

import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { measureCpu } from "./limiter-cpu.ts";
import { measureDenials } from "./limiter-denials.ts";
import { measureMemory } from "./limiter-memory.ts";
import { measureMerge } from "./limiter-merge.ts";
import { renderSection, type Section } from "./limiter-report.ts";
import { measureThroughput } from "./limiter-throughput.ts";
import { measureTrips } from "./limiter-trips.ts";
import { startRedis } from "./redis.ts";

const PARTS = {
  memory: measureMemory,
  cpu: measureCpu,
  throughput: measureThroughput,
  denials: measureDenials,
  trips: measureTrips,
  merge: measureMerge,
} satisfies Record<string, (url: string, rounds: number) => Promise<Section>>;

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true, default: [] }, rounds: { type: "string", default: "8" } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds is a whole number above zero");
if (!values.only.every((name) => name in PARTS)) throw new Error(`--only is one of ${Object.keys(PARTS).join(", ")}`);

const cpu = cpus()[0]?.model.trim() ?? "unknown";
process.stdout.write(
  `Node ${process.version}, ${cpu}, ${availableParallelism()} cores. Medians of the rounds (least–most).\n`,
);
for (const [name, measure] of Object.entries(PARTS)) {
  if (values.only.length > 0 && !values.only.includes(name)) continue;
  // One each: a part leaves its keys behind.
  const redis = await startRedis();
  try {
    const section = await measure(redis.url, rounds);
    process.stdout.write(`\n${renderSection(section)}\n`);
    if (section.targets.some(({ met }) => !met)) process.exitCode = 1;
  } finally {
    await redis.stop();
  }
}
