// Starts the longest test files first, to end the run sooner.

import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take more than some five seconds, mostly to wait for servers and limit windows; the longest is the last. */
const LONG = [
  "readme.curl",
  "protocols/differential",
  "cli/serve",
  "http/tls.openssl",
  "production/short-runs.haproxy",
  "migrating",
  "packed",
  "store/postgres.postgres",
  "limits.redis",
  "runs/short-runs",
  "runs/short-runs.postgres",
];

/** Vitest knows durations only of files that it has run before. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rankOf(b) - rankOf(a));
  }
}

/** The place in LONG; -1 for the other files, which come last. */
const rankOf = ({ moduleId }: TestSpecification) =>
  LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
