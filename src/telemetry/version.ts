// The version of this package, for the command line, the log and the metrics.

import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** Reads the version from package.json, which lies above the sources and above the built code alike. */
export function readVersion(): string {
  const file = findPackageJSON("..", import.meta.url);
  const content: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, "utf8"));
  return typeof content === "object" && content !== null && "version" in content ? String(content.version) : "unknown";
}
