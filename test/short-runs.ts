// Short versions of the long runs that change a registry under load, for both databases.

import { expect, test } from "vitest";
import type { Environment } from "../src/config.ts";
import { temporaryFolder } from "./program.ts";
import { changeMasterKey } from "./rotation/master-keys.ts";
import { runRotation } from "./rotation/rotation.ts";
import { countStale } from "./seen/seen.ts";

/** Defines the tests. `open` gives the settings of an empty database. */
export function defineShortRuns(open: () => Promise<Environment>): void {
  test("a change at one gateway counts from the next login or check at another", async () => {
    const seen = await countStale({ DATA_DIR: temporaryFolder(), ...(await open()) }, 5);
    expect(seen.filter(({ stale }) => stale > 0)).toEqual([]);
  });

  test("a login key is replaced at two gateways, and no login is refused", async () => {
    const settings = { DATA_DIR: temporaryFolder(), ...(await open()) };
    const report = await runRotation({ devices: 20, rate: 100, loginsBetween: 4, settings });
    const stopped = { before: 20, after: 0 };
    expect(report).toMatchObject({ refused: [], stopped, moved: 20, isOldKeyRefused: true });
    expect(report.logins).toBeGreaterThan(200);
  });

  test("no step of changing the master key of two gateways refuses a login", async () => {
    await changeMasterKey({ DATA_DIR: temporaryFolder(), ...(await open()) });
  });
}
