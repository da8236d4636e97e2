// A short `npm run crash` on PostgreSQL: kill -9 of the gateway and of the database during writes.

import { expect, onTestFinished, test } from "vitest";
import { runCrashes } from "./crash/crash.ts";
import { startPostgres } from "./postgres/server.ts";
import { temporaryFolder } from "./program.ts";

test("PostgreSQL keeps what was acknowledged, through 2 kill -9 of the gateway and one of the database", async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const settings = { DATA_DIR: temporaryFolder(), DATABASE_URL: server.url };
  const killDatabase = { every: 2, act: () => server.restart() };
  const { acknowledged, wrong } = await runCrashes({ kills: 2, settings, killDatabase });
  expect(wrong).toEqual([]);
  expect(acknowledged).toBeGreaterThan(20);
});
