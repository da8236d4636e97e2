// A report as text: tables that a terminal shows as well as Markdown does, and the targets. Knows numbers alone.

import type { Target } from "./groups.ts";
import { type GroupReport, gatewayRatio, type Report, type Spread } from "./report.ts";

export function renderReport({ node, cpu, cores, algorithm, groups }: Report): string {
  return [
    `Node ${node}, ${cpu}, ${cores} cores. Medians of the rounds (least–most); times the baseline, round by round.`,
    ...groups.flatMap((group) => ["", ...renderGroup(group, algorithm)]),
  ].join("\n");
}

function renderGroup(group: GroupReport, algorithm: string): string[] {
  const rows = [
    [`${group.title} login, ${algorithm}`, "CPU, µs a request", "times", "requests/s", "p50, ms", "p99, ms"],
    ...group.peers.map((peer) => [
      peer.label,
      show(peer.cpuMicros.value, 0),
      showRatio(peer.cpuMicros.ratio, 3),
      ...[peer.requestsPerSecond, peer.p50Ms, peer.p99Ms].map((figure, column) =>
        [figure.value.median.toFixed(column === 0 ? 0 : 1), showRatio(figure.ratio, 2)].join(" · "),
      ),
    ]),
    [
      "the signature alone",
      show(group.signatureMicros.value, 0),
      showRatio(group.signatureMicros.ratio, 3),
      ...Array.from({ length: 3 }, () => ""),
    ],
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [...lines.slice(0, 1), rule, ...lines.slice(1)];
}

/** Each target that the run can say something of. */
export function renderTargets(report: Report, targets: readonly Target[]): string[] {
  return targets.flatMap((target) => {
    const ratio = gatewayRatio(report, target);
    if (ratio === undefined) return [];
    const verdict = meets(ratio, target) ? "met" : "NOT met";
    return `${target.text}, ${target.algorithm}: ${show(ratio, 3)}, at most ${target.most.toFixed(3)}: ${verdict}`;
  });
}

export function meets(ratio: Spread, target: Target): boolean {
  return ratio.median <= target.most;
}

function showRatio(ratio: Spread | undefined, digits: number): string {
  return ratio === undefined ? "1" : show(ratio, digits);
}

function show({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
