// The formats of device files, by name or file extension.

import { extname } from "node:path";
import { Option } from "commander";
import { usageFailure } from "../terminal/output.ts";

export type Format = "csv" | "ndjson";

const EXTENSIONS: Readonly<Record<string, Format>> = { ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson" };

/** The option that says which format a file has. */
export function formatOption(): Option {
  return new Option("--format <format>", "its format (default: by its name's end, .csv or .ndjson)").choices([
    "csv",
    "ndjson",
  ]);
}

/** The format that a file's name ends in; undefined: it tells none. */
export function formatOf(file: string): Format | undefined {
  return EXTENSIONS[extname(file).toLowerCase()];
}

/** @throws CommandFailure where neither the option nor the name says it */
export function requireFormat(file: string, given: Format | undefined): Format {
  const format = given ?? formatOf(file);
  if (format !== undefined) return format;
  throw usageFailure(
    file === "-"
      ? "say what standard input is: --format csv or --format ndjson"
      : `${file} ends in neither .csv nor .ndjson. Say what it is: --format csv or --format ndjson`,
  );
}
