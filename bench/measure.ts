// Measures peers in short turns, so that machine drift affects all alike.

import { quantile } from "./figures.ts";
import type { OpenLanes } from "./load.ts";
import { type LoadRequest, type LoadResult, runLoad } from "./load.ts";
import type { Peer } from "./peer.ts";

export interface MeasureOptions {
  readonly rounds: number;
  /** How long each peer is under load in a round. */
  readonly seconds: number;
  /** Requests that wait for their answers at a time. */
  readonly inFlight: number;
}

/** A peer and its requests. */
export interface Subject {
  readonly peer: Peer;
  readonly open: OpenLanes;
  /** Creates a source of requests that continues from slice to slice. The warm-up has its own. */
  readonly walk: () => () => LoadRequest;
  /** Requests of the warm-up. */
  readonly warming: number;
}

/** One peer's round. */
export interface Round {
  readonly requests: number;
  readonly cpuMicros: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One slice of a peer's load. */
type Slice = LoadResult & { readonly cpuMicros: number };

const SLICE_SECONDS = 0.5;

/**
 * Measures subjects, after a warm-up of each that fills its caches.
 * @param onRound called at the end of each round; round 0 is the warm-up
 * @returns the rounds of each; rounds with the same number are a pair
 * @throws Error at the first wrong answer: the run is void
 */
export async function measure(
  subjects: readonly Subject[],
  options: MeasureOptions,
  onRound: (done: number) => Promise<void>,
): Promise<ReadonlyMap<Peer, readonly Round[]>> {
  const runs = subjects.map((subject) => ({ subject, walk: subject.walk(), rounds: [] as Round[] }));
  for (const { subject } of runs) {
    await measureSlice(subject, takeFrom(subject.walk(), subject.warming), options.inFlight);
  }
  await onRound(0);
  for (let number = 1; number <= options.rounds; number++) {
    const turns = runs.map((run) => ({ ...run, slices: [] as Slice[] }));
    for (let slice = 0; slice * SLICE_SECONDS < options.seconds; slice++) {
      // The order alternates.
      for (const { subject, walk, slices } of slice % 2 === 0 ? turns : turns.toReversed()) {
        slices.push(await measureSlice(subject, takeSlice(walk, options), options.inFlight));
      }
    }
    for (const { rounds, slices } of turns) rounds.push(sumUp(slices));
    await onRound(number);
  }
  return new Map(runs.map(({ subject, rounds }) => [subject.peer, rounds]));
}

type Next = () => LoadRequest | undefined;

function takeFrom(walk: () => LoadRequest, count: number): Next {
  let due = count;
  return () => (due-- > 0 ? walk() : undefined);
}

function takeSlice(walk: () => LoadRequest, { seconds }: MeasureOptions): Next {
  const deadline = performance.now() + Math.min(SLICE_SECONDS, seconds) * 1000;
  return () => (performance.now() < deadline ? walk() : undefined);
}

async function measureSlice({ peer, open }: Subject, next: Next, inFlight: number): Promise<Slice> {
  const lanes = await open(peer.url, inFlight);
  try {
    const before = await peer.cpuMicros();
    const load = await runLoad(lanes, next);
    return { ...load, cpuMicros: (await peer.cpuMicros()) - before };
  } catch (cause) {
    throw new Error(`void: ${peer.name} gave a wrong answer`, { cause });
  } finally {
    for (const lane of lanes) lane.close();
  }
}

function sumUp(slices: readonly Slice[]): Round {
  const latencies = slices.flatMap((slice) => slice.latencies).sort((one, other) => one - other);
  const total = (value: (slice: Slice) => number): number => slices.reduce((sum, slice) => sum + value(slice), 0);
  return {
    requests: latencies.length,
    cpuMicros: total((slice) => slice.cpuMicros) / latencies.length,
    requestsPerSecond: latencies.length / total((slice) => slice.seconds),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}
