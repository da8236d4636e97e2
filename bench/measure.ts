// The measurement: rounds of load, peer after peer in short slices, so that a drift of the machine meets all of them alike.

import { DIALECTS } from "./dialects.ts";
import { checkAnswer, signLogin } from "./fleet.ts";
import { type LoadResult, runLoad, type SignedRequest } from "./load.ts";
import type { Peer } from "./peer.ts";

export interface MeasureOptions {
  readonly rounds: number;
  /** How long each peer is under load in a round. */
  readonly seconds: number;
  /** Requests that wait for their answers at a time. */
  readonly inFlight: number;
}

/** One peer's round. */
export interface Round {
  readonly requests: number;
  readonly cpuMicros: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Signed requests of a peer's fleet, whose devices take turns. */
interface Walk {
  next(): SignedRequest;
}

/** What one slice of a peer's load came to. */
interface Slice extends LoadResult {
  readonly cpuMicros: number;
}

const SLICE_SECONDS = 0.5;
/** Requests are signed so many at a time, to keep the generator's pauses short. */
const BATCH = 200;

/**
 * Measures peers, after each device has logged in once: who has a cache may have filled it.
 * @param onRound hears of the end of each round of all peers, the warming being 0
 * @returns the rounds of each peer: those with the same number are a pair
 * @throws Error when any answer was not a token: the run is void
 */
export async function measure(
  peers: readonly Peer[],
  options: MeasureOptions,
  onRound: (done: number) => Promise<void>,
): Promise<ReadonlyMap<Peer, readonly Round[]>> {
  const runs = peers.map((peer) => ({ peer, walk: createWalk(peer), rounds: [] as Round[] }));
  for (const { peer } of runs) await warm(peer, options);
  await onRound(0);
  for (let number = 1; number <= options.rounds; number++) {
    const turns = runs.map((run) => ({ ...run, slices: [] as Slice[] }));
    for (let slice = 0; slice * SLICE_SECONDS < options.seconds; slice++) {
      // Who goes first alternates.
      for (const { peer, walk, slices } of slice % 2 === 0 ? turns : turns.toReversed()) {
        const deadline = performance.now() + Math.min(SLICE_SECONDS, options.seconds) * 1000;
        slices.push(
          await measureSlice(peer, () => (performance.now() < deadline ? walk.next() : undefined), options.inFlight),
        );
      }
    }
    for (const { rounds, slices } of turns) rounds.push(sumUp(slices));
    await onRound(number);
  }
  return new Map(runs.map(({ peer, rounds }) => [peer, rounds]));
}

async function warm(peer: Peer, { inFlight }: MeasureOptions): Promise<void> {
  const walk = createWalk(peer);
  let due = peer.setup.fleet.deviceKeys.length;
  await measureSlice(peer, () => (due-- > 0 ? walk.next() : undefined), inFlight);
}

/** Goes on from slice to slice, so that no device comes to its limit. */
function createWalk({ setup: { fleet, algorithm, dialect } }: Peer): Walk {
  const { encode, decode } = DIALECTS[dialect];
  let sent = 0;
  let batch: SignedRequest[] = [];
  function signBatch(): SignedRequest[] {
    const timestamp = Math.floor(Date.now() / 1000);
    return Array.from({ length: BATCH }, (_, turn) => {
      const deviceKey = fleet.deviceKeys[(sent + turn) % fleet.deviceKeys.length] ?? "";
      return {
        bytes: encode(signLogin(fleet.customerKey, deviceKey, timestamp), fleet),
        check: (answer) => checkAnswer(decode(answer), deviceKey, algorithm),
      };
    });
  }
  return {
    next() {
      const place = sent % BATCH;
      if (place === 0) batch = signBatch();
      sent++;
      const request = batch[place];
      if (request === undefined) throw new RangeError("a fleet has devices");
      return request;
    },
  };
}

async function measureSlice(peer: Peer, next: () => SignedRequest | undefined, inFlight: number): Promise<Slice> {
  const lanes = await DIALECTS[peer.setup.dialect].open(peer.url, inFlight);
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

/** The value at `share` of an ascending list; between two, the mean weighted by nearness. */
export function quantile(ascending: readonly number[], share: number): number {
  const place = (ascending.length - 1) * share;
  const below = ascending[Math.floor(place)] ?? Number.NaN;
  const above = ascending[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
