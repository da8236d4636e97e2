// Short versions of the long runs, on PostgreSQL, which also is killed, slow and cut off.

import { expect, onTestFinished, test } from "vitest";
import { startPostgres } from "../postgres/server.ts";
import { temporaryFolder } from "../program.ts";
import { emptyPostgres } from "../store/database.ts";
import { runCrashes } from "./crash.ts";
import { defineShortRuns } from "./short-runs.ts";
import { runSlowDatabase } from "./slow-database.ts";

defineShortRuns(async () => ({ DATABASE_URL: (await emptyPostgres()).url }));

test("PostgreSQL keeps what was acknowledged, through 2 kill -9 of the gateway and one of the database", async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const settings = { DATA_DIR: temporaryFolder(), DATABASE_URL: server.url };
  expect((await runCrashes(2, settings, server)).mistakes).toEqual([]);
});

test("logins get 503 while PostgreSQL is slow or away, then succeed, with one log line for each change", async () => {
  const { url } = await emptyPostgres();
  const { phases, lines } = await runSlowDatabase(url, temporaryFolder(), 20, 1);
  expect(phases.map(({ statuses }) => statuses)).toEqual([[401], [503], [503], [401]]);
  expect(lines).toEqual(["the database is away: logins are refused", "the database is back"]);
});
