// The chart of the last hour's logins a second, admitted and refused.

import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

interface LoginChartProps {
  /** When each interval began, in Unix seconds. */
  readonly times: readonly number[];
  /** Logins a second of each interval. */
  readonly admitted: readonly number[];
  readonly refused: readonly number[];
}

const HEIGHT = 220;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsFor(width: number): uPlot.Options {
  const axis = {
    stroke: () => colour("--quiet"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
  };
  const lines = { admitted: "--good", refused: "--bad" };
  return {
    width,
    height: HEIGHT,
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { live: true },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [
      { ...axis, values: "{HH}:{mm}" },
      { ...axis, size: 44 },
    ],
    series: [
      { value: "{HH}:{mm}:{ss}" },
      ...Object.entries(lines).map(([label, name]) => ({
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

export function LoginChart({ times, admitted, refused }: LoginChartProps): VNode {
  const container = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data: uPlot.AlignedData = [[...times], [...admitted], [...refused]];
  useEffect(() => {
    const element = container.current;
    if (element === null) return undefined;
    const chart = new uPlot(optionsFor(element.clientWidth), data, element);
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
  useEffect(() => plot.current?.setData(data));
  return (
    <div class="chart" ref={container} role="img" aria-label="Logins a second of the last hour, admitted and refused" />
  );
}
