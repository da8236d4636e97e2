// Figures as text: spreads, tables, and sections with targets.

import { availableParallelism, cpus } from "node:os";

/** A median with its spread. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A part of a report. */
export interface Section {
  readonly title: string;
  /** The first row is the head. */
  readonly rows: readonly (readonly string[])[];
  readonly targets: readonly { readonly text: string; readonly met: boolean }[];
}

/** The value at `share` of an ascending list, interpolated linearly. */
export function quantile(ascending: readonly number[], share: number): number {
  const index = (ascending.length - 1) * share;
  const below = ascending[Math.floor(index)] ?? Number.NaN;
  const above = ascending[Math.ceil(index)] ?? Number.NaN;
  return below + (above - below) * (index - Math.floor(index));
}

export function spreadOf(values: readonly number[]): Spread {
  const ascending = values.toSorted((one, other) => one - other);
  return { median: quantile(ascending, 0.5), min: quantile(ascending, 0), max: quantile(ascending, 1) };
}

/** Divides each round's value by the other's value of the same round. */
export function divide(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, index) => value / (others[index] ?? Number.NaN));
}

export function show({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

/** Renders rows, the first being the head, as a Markdown table with aligned columns. */
export function renderTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [...lines.slice(0, 1), rule, ...lines.slice(1)];
}

function renderSection({ title, rows, targets }: Section): string {
  const verdicts = targets.map(({ text, met }) => `${text}: ${met ? "met" : "NOT met"}`);
  return [title, "", ...renderTable(rows), "", ...verdicts].join("\n");
}

function describeMachine(): string {
  return `Node ${process.version}, ${cpus()[0]?.model.trim() ?? "unknown"}, ${availableParallelism()} cores.`;
}

/**
 * Measures parts and prints their sections. The exit status is 1 if a target is not met.
 * @param only names of parts; empty: all
 * @throws Error for an unknown name
 */
export async function runParts(
  parts: Readonly<Record<string, () => Promise<Section>>>,
  only: readonly string[],
  legend = "",
): Promise<void> {
  const names = Object.keys(parts);
  if (!only.every((name) => names.includes(name))) throw new Error(`--only is one of ${names.join(", ")}`);
  process.stdout.write(`${describeMachine()}${legend}\n`);
  for (const [name, run] of Object.entries(parts)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const section = await run();
    process.stdout.write(`\n${renderSection(section)}\n`);
    if (section.targets.some(({ met }) => !met)) process.exitCode = 1;
  }
}

/** Prints progress, apart from the report. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
