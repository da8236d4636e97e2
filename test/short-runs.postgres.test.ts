// Short versions of the long runs, on PostgreSQL, which also is killed, slow and cut off.

import { expect, onTestFinished, test } from "vitest";
import { runCrashes } from "./crash/crash.ts";
import { startPostgres } from "./postgres/server.ts";
import { temporaryFolder } from "./program.ts";
import { defineShortRuns } from "./short-runs.ts";
import { runSlowDatabase } from "./slow-database/slow.ts";
import { emptyPostgres } from "./store/connections.ts";

defineShortRuns(async () => ({ DATABASE_URL: (await emptyPostgres()).url }));

test("PostgreSQL keeps what was acknowledged, through 2 kill -9 of the gateway and one of the database", async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const settings = { DATA_DIR: temporaryFolder(), DATABASE_URL: server.url };
  const killDatabase = { every: 2, act: () => server.restart() };
  const { acknowledged, wrong } = await runCrashes({ kills: 2, settings, killDatabase });
  expect(wrong).toEqual([]);
  expect(acknowledged).toBeGreaterThan(20);
});

test("logins get 503 while PostgreSQL is slow or away, then succeed, with one log line for each change", async () => {
  const { url: databaseUrl } = await emptyPostgres();
  const { phases, lines } = await runSlowDatabase({
    databaseUrl,
    folder: temporaryFolder(),
    perSecond: 20,
    seconds: 1,
    delayMs: 2_000,
  });
  expect(phases.map(({ statuses }) => Object.keys(statuses))).toEqual([["401"], ["503"], ["503"], ["401"]]);
  expect(lines).toEqual(["the database is away: logins are refused", "the database is back"]);
});
