// What a run found: medians and spreads, as a table and as JSON. Knows numbers alone.

import { availableParallelism, cpus } from "node:os";
import { quantile, type Round } from "./measure.ts";

/** A median with its spread. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface PeerReport {
  readonly name: string;
  readonly cpuMicros: Spread;
  readonly requestsPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  /** CPU over the first peer's, pair by pair. */
  readonly ratio: Spread;
  readonly rounds: readonly Round[];
}

export interface Report {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly options: object;
  readonly signatureMicros: Spread;
  readonly peers: readonly PeerReport[];
}

/** Sums a run up; the first peer is what the others are compared with. */
export function createReport(
  measured: readonly (readonly [name: string, rounds: readonly Round[]])[],
  signatureMicros: readonly number[],
  options: object,
): Report {
  const baseline = measured[0]?.[1] ?? [];
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    options,
    signatureMicros: spreadOf(signatureMicros),
    peers: measured.map(([name, rounds]) => ({
      name,
      cpuMicros: spreadOf(rounds.map((round) => round.cpuMicros)),
      requestsPerSecond: spreadOf(rounds.map((round) => round.requestsPerSecond)),
      p50Ms: spreadOf(rounds.map((round) => round.p50Ms)),
      p99Ms: spreadOf(rounds.map((round) => round.p99Ms)),
      ratio: spreadOf(rounds.map((round, place) => round.cpuMicros / (baseline[place]?.cpuMicros ?? Number.NaN))),
      rounds,
    })),
  };
}

function spreadOf(values: readonly number[]): Spread {
  const ascending = values.toSorted((one, other) => one - other);
  return { median: quantile(ascending, 0.5), min: quantile(ascending, 0), max: quantile(ascending, 1) };
}

/** The report as lines for a terminal. */
export function renderReport({ node, cpu, cores, signatureMicros, peers }: Report): string {
  const [baseline] = peers;
  const rows = [
    ["peer", "CPU µs/request", "requests/s", "p50 ms", "p99 ms", `CPU / ${baseline?.name}`],
    ...peers.map((peer) => [
      peer.name,
      show(peer.cpuMicros, 0),
      peer.requestsPerSecond.median.toFixed(0),
      peer.p50Ms.median.toFixed(2),
      peer.p99Ms.median.toFixed(2),
      peer === baseline ? "1" : show(peer.ratio, 3),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return [
    `Node ${node}, ${cpu}, ${cores} cores; RS256 signature alone ${show(signatureMicros, 0)} µs`,
    "Medians of the rounds (least–most):",
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
  ].join("\n");
}

function show({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
