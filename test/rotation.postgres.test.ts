// A short `npm run rotation` on PostgreSQL: no login is refused.

import { expect, test } from "vitest";
import { runRotation } from "./rotation/rotation.ts";
import { emptyPostgres } from "./store/connections.ts";

test("a login key is replaced at two gateways on one PostgreSQL, and no login is refused", async () => {
  const { url } = await emptyPostgres();
  const report = await runRotation({ devices: 20, rate: 100, loginsBetween: 4, settings: { DATABASE_URL: url } });
  expect(report).toMatchObject({ refused: [], stopped: { before: 20, after: 0 }, moved: 20, isOldKeyRefused: true });
  expect(report.logins).toBeGreaterThan(200);
});
