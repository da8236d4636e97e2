// Short versions of the long runs, on PostgreSQL and in its outages.

import { expect, test } from "vitest";
import { startPostgres } from "../postgres/server.ts";
import { emptyPostgres } from "../store/database.ts";
import { runCrashes } from "./crash.ts";
import { defineShortRuns } from "./short-runs.ts";
import { runSlowDatabase } from "./slow-database.ts";

defineShortRuns(
  async () => ({ DATABASE_URL: (await emptyPostgres()).url }),
  [
    "PostgreSQL keeps acknowledged writes through 2 kills of the gateway and one of the database",
    async (settings) => {
      const server = await startPostgres();
      return runCrashes(2, { ...settings, DATABASE_URL: server.url }, server).finally(server.stop);
    },
  ],
);

test("logins get 503 while PostgreSQL is slow or away, then succeed, with one log line for each change", async () => {
  // The run itself waits for a login that succeeds, at the beginning and after the outage.
  const { phases, lines } = await runSlowDatabase((await emptyPostgres()).url, 5, 1);
  const [, slow, cutOff] = phases.map(({ statuses }) => statuses);
  expect([slow, cutOff]).toEqual([[503], [503]]);
  // On a busy machine there may be further outages.
  expect(lines.join("; ")).toMatch(/^(the database is away: logins are refused; the database is back(; |$))+$/);
});
