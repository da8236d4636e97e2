// A soak: gateways under a steady load, and the memory of one after each garbage collection.

import { setTimeout as pause } from "node:timers/promises";
import { startLoad, type Tally } from "./load.ts";
import { startSite } from "./site.ts";

export interface SoakReport extends Tally {
  /** Heap and external memory after each collection, in MiB. */
  readonly samples: readonly number[];
  /** The slope of the second half, in MiB an hour. */
  readonly slope: number;
}

/** Loads both gateways for `seconds`, and until there are four samples of the first one's memory. */
export async function runSoak(seconds: number, everySeconds: number): Promise<SoakReport> {
  await using cleanup = new AsyncDisposableStack();
  const site = await startSite({ devices: 3_000, inspect: true }, cleanup);
  const { balancer, deviceKeys } = site;
  const load = startLoad({ ...balancer, deviceKeys, connections: 16, rate: 300, wrongShare: 0.1 });
  const samples: number[] = [];
  const started = performance.now();
  while (performance.now() - started < seconds * 1_000 || samples.length < 4) {
    await pause(everySeconds * 1_000);
    samples.push(await site.gateways[0].measureMemory());
  }
  const late = samples.slice(samples.length >> 1);
  return { ...(await load.stop()), samples, slope: slopeOf(late) * (3_600 / everySeconds) };
}

/** The slope of a line through samples, by least squares. */
function slopeOf(samples: readonly number[]): number {
  const middle = (samples.length - 1) / 2;
  const mean = samples.reduce((sum, one) => sum + one, 0) / samples.length;
  const [rise, run] = samples.reduce(
    ([up, along], one, at) => [up + (at - middle) * (one - mean), along + (at - middle) ** 2],
    [0, 0],
  );
  return run === 0 ? 0 : rise / run;
}
