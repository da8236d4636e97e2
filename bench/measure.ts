// The measurement: rounds of load, peer after peer in turn, so that a drift of the machine meets all of them alike.

import { type SignedRequest, signRequests } from "./fleet.ts";
import { openConnections, runLoad } from "./load.ts";
import type { Peer } from "./peer.ts";

export interface MeasureOptions {
  readonly rounds: number;
  /** How long a round lasts. */
  readonly seconds: number;
  /** Connections, each with one request at a time. */
  readonly inFlight: number;
  /** Logins that a device sends in a row. */
  readonly visits: number;
}

/** One peer's round. */
export interface Round {
  readonly requests: number;
  readonly cpuMicros: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Where a peer's walk through the fleet has come to; it goes on from round to round, so that no device is overdrawn. */
type Walk = { sent: number };

/**
 * Measures peers; a first round of each warms it and is dropped.
 * @param onRound hears of the end of each round of all peers
 * @returns the rounds of each peer: those with the same number are a pair
 */
export async function measure(
  peers: readonly Peer[],
  options: MeasureOptions,
  onRound: (done: number) => Promise<void>,
): Promise<ReadonlyMap<Peer, readonly Round[]>> {
  const measured = new Map(peers.map((peer): [Peer, Round[]] => [peer, []]));
  const walks = new Map(peers.map((peer): [Peer, Walk] => [peer, { sent: 0 }]));
  for (let number = 0; number <= options.rounds; number++) {
    // Who goes first alternates.
    for (const peer of number % 2 === 0 ? peers : peers.toReversed()) {
      const round = await measureRound(peer, walks.get(peer) ?? { sent: 0 }, options);
      if (number > 0) measured.get(peer)?.push(round);
    }
    await onRound(number);
  }
  return measured;
}

async function measureRound(peer: Peer, walk: Walk, options: MeasureOptions): Promise<Round> {
  const requests = signRequests(peer.fleet, Math.floor(Date.now() / 1000));
  const next = (): SignedRequest => {
    const request = requests[Math.floor(walk.sent++ / options.visits) % requests.length];
    if (request === undefined) throw new RangeError("a fleet has devices");
    return request;
  };
  const sockets = await openConnections(peer.url, options.inFlight);
  try {
    const before = await peer.cpuMicros();
    const { requests: count, seconds, latencies } = await runLoad(sockets, next, options.seconds);
    const used = (await peer.cpuMicros()) - before;
    return {
      requests: count,
      cpuMicros: used / count,
      requestsPerSecond: count / seconds,
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
    };
  } catch (error) {
    throw new Error(`void: ${peer.name} gave a wrong answer: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** The value at `share` of an ascending list; between two, the mean weighted by nearness. */
export function quantile(ascending: readonly number[], share: number): number {
  const place = (ascending.length - 1) * share;
  const below = ascending[Math.floor(place)] ?? Number.NaN;
  const above = ascending[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
