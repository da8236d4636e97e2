// The chart of logins a second: admitted and refused, stacked, for the last hour.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

interface LoginChartProps {
  /** When the first interval began, in Unix milliseconds. */
  readonly startMs: number;
  readonly intervalSeconds: number;
  readonly logins: readonly { readonly outcome: string; readonly counts: readonly number[] }[];
}

const HEIGHT = 220;

/** Sums of several outcomes as rates, averaged over half a minute. */
function ratesOf(series: readonly (readonly number[])[], length: number, intervalSeconds: number): number[] {
  const sums = Array.from({ length }, (_, at) => series.reduce((sum, counts) => sum + (counts[at] ?? 0), 0));
  const span = 6;
  return sums.map((_, at) => {
    const window = sums.slice(Math.max(0, at - span + 1), at + 1);
    return window.reduce((sum, count) => sum + count, 0) / (window.length * intervalSeconds);
  });
}

function dataOf({ startMs, intervalSeconds, logins }: LoginChartProps): uPlot.AlignedData {
  const length = Math.max(1, Math.round(3_600 / intervalSeconds));
  const times = Array.from({ length }, (_, at) => startMs / 1_000 + at * intervalSeconds);
  const admitted = logins.filter(({ outcome }) => outcome === "ok").map(({ counts }) => counts);
  const refused = logins.filter(({ outcome }) => outcome !== "ok").map(({ counts }) => counts);
  return [times, ratesOf(admitted, length, intervalSeconds), ratesOf(refused, length, intervalSeconds)];
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsFor(width: number): uPlot.Options {
  const axis = {
    stroke: () => colour("--quiet"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
  };
  const lines = [
    ["admitted", "--good"],
    ["refused", "--bad"],
  ] as const;
  return {
    width,
    height: HEIGHT,
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { live: true },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [axis, { ...axis, size: 44 }],
    series: [
      {},
      ...lines.map(([label, name]) => ({
        label,
        stroke: () => colour(name),
        fill: () => `${colour(name)}22`,
        width: 2,
        points: { show: false },
        value: (_plot: uPlot, value: number | null) => (value === null ? "–" : `${value.toFixed(1)}/s`),
      })),
    ],
  };
}

export function LoginChart(props: LoginChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const chart = new uPlot(optionsFor(element.clientWidth), dataOf(props), element);
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = (): void => chart.redraw();
    scheme.addEventListener("change", redraw);
    return () => {
      observer.disconnect();
      scheme.removeEventListener("change", redraw);
      chart.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(dataOf(props)), [props.startMs, props.logins]);
  return (
    <div class="chart" ref={place} role="img" aria-label="Logins a second of the last hour, admitted and refused" />
  );
}
