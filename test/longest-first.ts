// Starts the longest test files first, so that no core waits for one of them at the end.

import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take more than some five seconds, mostly to wait for servers and limit windows. */
const LONG = [
  "runs/short-runs.postgres",
  "runs/short-runs",
  "limits.redis",
  "store/postgres.postgres",
  "packed",
  "migrating",
  "production/short-runs.haproxy",
  "http/tls.openssl",
  "cli/serve",
  "protocols/differential",
  "readme.curl",
];

/** Vitest knows durations only of files that it has run before. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return rank === -1 ? LONG.length : rank;
}
