// In which order test files start: a long one that comes last would have the other cores wait for it. Knows names alone.

import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those of more than ten seconds, which mostly wait for servers and windows. */
const LONG = [
  "outage-failover.redis",
  "outage-server.redis",
  "migrating",
  "store/postgres.postgres",
  "store/change-feed.postgres",
  "cli/devices/import-interrupted",
  "store/change-feed",
  "rotation.postgres",
  "rotation",
  "cli/commands-page",
  "readme.curl",
  "cli/serve",
  "transports/differential",
];

/** Vitest knows how long files took only where they have run before, which a clean clone has not. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return rank === -1 ? LONG.length : rank;
}
