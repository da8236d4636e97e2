// What the parts of `npm run bench:limiter` found, as text: a table and targets for each. Knows numbers alone.

import { quantile } from "./measure.ts";
import type { Spread } from "./report.ts";

/** A part of the report. */
export interface Section {
  readonly title: string;
  /** The first row is the head. */
  readonly rows: readonly (readonly string[])[];
  readonly targets: readonly SectionTarget[];
  /** What to know of the figures. */
  readonly notes?: readonly string[];
}

export interface SectionTarget {
  readonly text: string;
  readonly met: boolean;
}

export function spreadOf(values: readonly number[]): Spread {
  const ascending = values.toSorted((one, other) => one - other);
  return { median: quantile(ascending, 0.5), min: quantile(ascending, 0), max: quantile(ascending, 1) };
}

export function show({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

export function renderSection({ title, rows, targets, notes = [] }: Section): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  const verdicts = targets.map(({ text, met }) => `${text}: ${met ? "met" : "NOT met"}`);
  return [title, "", ...lines.slice(0, 1), rule, ...lines.slice(1), "", ...notes, ...verdicts].join("\n");
}
