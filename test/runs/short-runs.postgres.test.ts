// Short versions of the long runs, on PostgreSQL, which also is killed, slow and cut off.

import { expect, test } from "vitest";
import { startPostgres } from "../postgres/server.ts";
import { emptyPostgres } from "../store/database.ts";
import { runCrashes } from "./crash.ts";
import { defineShortRuns } from "./short-runs.ts";
import { runSlowDatabase } from "./slow-database.ts";

defineShortRuns(
  async () => ({ DATABASE_URL: (await emptyPostgres()).url }),
  [
    "PostgreSQL keeps what was acknowledged, through 2 kill -9 of the gateway and one of the database",
    async (settings) => {
      const server = await startPostgres();
      return runCrashes(2, { ...settings, DATABASE_URL: server.url }, server).finally(server.stop);
    },
  ],
);

test("logins get 503 while PostgreSQL is slow or away, then succeed, with one log line for each change", async () => {
  const { phases, lines } = await runSlowDatabase((await emptyPostgres()).url, 20, 1);
  expect(phases.map(({ statuses }) => statuses)).toEqual([[401], [503], [503], [401]]);
  expect(lines).toEqual(["the database is away: logins are refused", "the database is back"]);
});
