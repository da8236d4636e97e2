// `npm run bench:limiter [-- --only memory|cpu|throughput|denials|trips|merge] [--rounds N]`: what the limiter costs, and its targets.

import { parseArgs } from "node:util";
import { runParts, type Section } from "./figures.ts";
import { measureCpu } from "./limiter-cpu.ts";
import { measureDenials } from "./limiter-denials.ts";
import { measureMemory } from "./limiter-memory.ts";
import { measureMerge } from "./limiter-merge.ts";
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

const parts = Object.entries(PARTS).map(([name, measure]) => [
  name,
  async () => {
    // One each: a part leaves its keys behind.
    const redis = await startRedis();
    try {
      return await measure(redis.url, rounds);
    } finally {
      await redis.stop();
    }
  },
]);
await runParts(Object.fromEntries(parts), values.only, " Medians of the rounds (least–most).");
