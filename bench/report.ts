// The figures of a run: medians, spreads, and the targets they meet.

import type { CertificateKind } from "../test/http/openssl.ts";
import type { Algorithm } from "./contract.ts";
import { divide, MACHINE, type Spread, spreadOf } from "./figures.ts";
import type { Contender, Group, Target } from "./groups.ts";
import type { Round } from "./measure.ts";

/** One figure of a peer. */
export interface Figure {
  readonly value: Spread;
  /** Times the baseline's, round by round; of the baseline itself, nothing. */
  readonly ratio: Spread | undefined;
}

export interface PeerReport {
  readonly name: string;
  readonly label: string;
  readonly cpuMicros: Figure;
  readonly requestsPerSecond: Figure;
  readonly p50Ms: Figure;
  readonly p99Ms: Figure;
  /** Those of the CPU, in order. */
  readonly ratios: readonly number[];
  readonly rounds: readonly Round[];
}

export interface GroupReport {
  readonly name: string;
  readonly title: string;
  readonly signatureMicros: Figure;
  readonly peers: readonly PeerReport[];
}

export interface Report {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly options: { readonly certificate: CertificateKind };
  readonly algorithm: Algorithm;
  readonly groups: readonly GroupReport[];
}

/** A pair: rounds with the same number belong together. */
export interface PairResult {
  readonly contender: Contender;
  readonly rounds: readonly Round[];
  readonly baselineRounds: readonly Round[];
  /** The signature alone, after each round. */
  readonly signatureMicros: readonly number[];
}

export interface GroupResult {
  readonly group: Group;
  readonly pairs: readonly PairResult[];
}

export function createReport(
  results: readonly GroupResult[],
  algorithm: Algorithm,
  options: Report["options"],
): Report {
  return {
    ...MACHINE,
    options,
    algorithm,
    groups: results.map(sumUp),
  };
}

function sumUp({ group: { name, title, baseline }, pairs }: GroupResult): GroupReport {
  const signatureMicros = pairs.flatMap((pair) => pair.signatureMicros);
  const beside = pairs.flatMap((pair) => costs(pair.baselineRounds));
  // The baseline as it was beside the first contender, the gateway: on a noisy machine it was another beside the others.
  const baselineRounds = pairs[0]?.baselineRounds ?? [];
  return {
    name,
    title,
    signatureMicros: { value: spreadOf(signatureMicros), ratio: spreadOf(divide(signatureMicros, beside)) },
    peers: [
      describe(baseline, baselineRounds, undefined),
      ...pairs.map((pair) => describe(pair.contender, pair.rounds, pair.baselineRounds)),
    ],
  };
}

function describe(
  { name, label }: Contender,
  rounds: readonly Round[],
  baseline: readonly Round[] | undefined,
): PeerReport {
  const figure = (choose: (round: Round) => number): Figure => ({
    value: spreadOf(rounds.map(choose)),
    ratio: baseline && spreadOf(divide(rounds.map(choose), baseline.map(choose))),
  });
  return {
    name,
    label,
    cpuMicros: figure((round) => round.cpuMicros),
    requestsPerSecond: figure((round) => round.requestsPerSecond),
    p50Ms: figure((round) => round.p50Ms),
    p99Ms: figure((round) => round.p99Ms),
    ratios: baseline === undefined ? [] : divide(costs(rounds), costs(baseline)),
    rounds,
  };
}

/**
 * The gateway's CPU over another's, round by round; over one that is not the baseline, by what each has over the baseline.
 * Undefined where they were not measured.
 */
export function gatewayRatio({ algorithm, groups }: Report, target: Target): Spread | undefined {
  const peers = groups.find(({ name }) => name === target.group)?.peers;
  const own = peers?.find(({ name }) => name === target.own);
  const other = peers?.find(({ name }) => name === target.against);
  if (own === undefined || other === undefined || algorithm !== target.algorithm) return undefined;
  return spreadOf(other.cpuMicros.ratio === undefined ? own.ratios : divide(own.ratios, other.ratios));
}

function costs(rounds: readonly Round[]): number[] {
  return rounds.map((round) => round.cpuMicros);
}
