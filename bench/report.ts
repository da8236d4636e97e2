// What a run found: medians and spreads, and which targets they meet. Knows numbers alone.

import { availableParallelism, cpus } from "node:os";
import type { Algorithm } from "./contract.ts";
import { GATEWAY, type Group, type Target } from "./groups.ts";
import { quantile, type Round } from "./measure.ts";

/** A median with its spread. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface PeerReport {
  readonly name: string;
  readonly label: string;
  readonly cpuMicros: Spread;
  readonly requestsPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  /** CPU over the group's first peer's, pair by pair. */
  readonly ratio: Spread;
  readonly rounds: readonly Round[];
}

export interface GroupReport {
  readonly name: string;
  readonly title: string;
  readonly signatureMicros: Spread;
  /** Of the signature over the group's first peer. */
  readonly signatureRatio: Spread;
  readonly peers: readonly PeerReport[];
}

export interface Report {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly options: object;
  readonly algorithm: Algorithm;
  readonly groups: readonly GroupReport[];
}

/** What was measured of a group: rounds by the names of peers, and the signature alone after each round. */
export interface GroupResult {
  readonly group: Group;
  readonly rounds: ReadonlyMap<string, readonly Round[]>;
  readonly signatureMicros: readonly number[];
}

export function createReport(results: readonly GroupResult[], algorithm: Algorithm, options: object): Report {
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    options,
    algorithm,
    groups: results.map(sumUp),
  };
}

function sumUp({ group: { name, title, contenders }, rounds, signatureMicros }: GroupResult): GroupReport {
  const costs = (peer: string | undefined): number[] => (rounds.get(peer ?? "") ?? []).map((round) => round.cpuMicros);
  const baseline = costs(contenders[0]?.name);
  return {
    name,
    title,
    signatureMicros: spreadOf(signatureMicros),
    signatureRatio: ratioOf(signatureMicros, baseline),
    peers: contenders.flatMap((contender) => {
      const own = rounds.get(contender.name);
      if (own === undefined) return [];
      return {
        name: contender.name,
        label: contender.label,
        cpuMicros: spreadOf(costs(contender.name)),
        requestsPerSecond: spreadOf(own.map((round) => round.requestsPerSecond)),
        p50Ms: spreadOf(own.map((round) => round.p50Ms)),
        p99Ms: spreadOf(own.map((round) => round.p99Ms)),
        ratio: ratioOf(costs(contender.name), baseline),
        rounds: own,
      };
    }),
  };
}

/** The gateway's CPU over another's, pair by pair; undefined where the two were not measured together. */
export function gatewayRatio({ algorithm, groups }: Report, target: Target): Spread | undefined {
  const peers = groups.find(({ name }) => name === target.group)?.peers;
  const costs = (peer: string): number[] | undefined =>
    peers?.find(({ name }) => name === peer)?.rounds.map((round) => round.cpuMicros);
  const [own, others] = [costs(GATEWAY), costs(target.against)];
  if (own === undefined || others === undefined || algorithm !== target.algorithm) return undefined;
  return ratioOf(own, others);
}

function ratioOf(values: readonly number[], others: readonly number[]): Spread {
  return spreadOf(values.map((value, place) => value / (others[place] ?? Number.NaN)));
}

function spreadOf(values: readonly number[]): Spread {
  const ascending = values.toSorted((one, other) => one - other);
  return { median: quantile(ascending, 0.5), min: quantile(ascending, 0), max: quantile(ascending, 1) };
}
