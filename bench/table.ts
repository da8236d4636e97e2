// A report as text: tables that a terminal shows as well as Markdown does, and the targets. Knows numbers alone.

import { describeMachine, renderTable, type Spread, show } from "./figures.ts";
import type { Target } from "./groups.ts";
import { type GroupReport, gatewayRatio, type Report } from "./report.ts";

export function renderReport(report: Report): string {
  return [
    `${describeMachine()} Medians of the rounds (least–most); times the baseline, round by round. TLS 1.3, ${report.options.certificate} certificate.`,
    ...report.groups.flatMap((group) => ["", ...renderGroup(group, report.algorithm)]),
  ].join("\n");
}

function renderGroup(group: GroupReport, algorithm: string): string[] {
  return renderTable([
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
  ]);
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
