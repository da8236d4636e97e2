// The measurement: rounds of load, peer after peer in short slices, so that a drift of the machine meets all of them alike.

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
  /** Goes on from slice to slice; the warming has one of its own. */
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
 * Measures subjects, after the warming of each: who has a cache may have filled it.
 * @param onRound hears of the end of each round of all of them, the warming being 0
 * @returns the rounds of each: those with the same number are a pair
 * @throws Error when any answer was not the one that is due: the run is void
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
      // Who goes first alternates.
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
