// PostgreSQL becomes slow, is cut off and comes back: logins get 503, then succeed again, and the log has one line for each change.

import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "./program.ts";
import { runSlowDatabase } from "./slow-database/slow.ts";
import { emptyPostgres } from "./store/connections.ts";

test("logins are refused while PostgreSQL is away, and succeed afterwards", async () => {
  const { url } = await emptyPostgres();
  const { phases, lines } = await runSlowDatabase({
    databaseUrl: url,
    folder: temporaryFolder(),
    perSecond: 20,
    seconds: 1,
    delayMs: 2_000,
    atEnd: onTestFinished,
  });
  expect(phases.map(({ statuses }) => Object.keys(statuses))).toEqual([["401"], ["503"], ["503"], ["401"]]);
  expect(lines).toEqual(["the database is away: logins are refused", "the database is back"]);
});
