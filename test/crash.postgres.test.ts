// kill -9 in the middle of writes, of the gateway and of the database itself, in short.

import { expect, onTestFinished, test } from "vitest";
import { runCrashes } from "./crash/crash.ts";
import { startPostgres } from "./postgres/server.ts";

test("PostgreSQL keeps what was acknowledged, through 2 kill -9 of the gateway and one of its own", {
  timeout: 90_000,
}, async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const killDatabase = { every: 2, act: () => server.restart() };
  const { acknowledged, wrong } = await runCrashes({ kills: 2, databaseUrl: server.url, killDatabase });
  expect(wrong).toEqual([]);
  expect(acknowledged).toBeGreaterThan(20);
});
