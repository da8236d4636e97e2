// Short versions of the long runs on a registry, for both databases, and a change of the master key under load.

import { expect, test } from "vitest";
import type { Environment } from "../../src/config.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { TOKEN_ALGS } from "../../src/core/tokens/algorithms.ts";
import { runCommand } from "../command.ts";
import { ADMIN_TOKEN, type BareGateway, NO_LIMITS, startBareGateway } from "../gateway.ts";
import type { Result } from "../long-run.ts";
import { temporaryFolder } from "../program.ts";
import type { Board } from "../registry-copy.ts";
import { startTogether } from "./first-start.ts";
import { replaceLoginKey, startLogins } from "./rotation.ts";
import { countStale } from "./seen.ts";

type Settings = Environment & { readonly DATA_DIR: string };
type Run = readonly [name: string, run: (settings: Settings) => Promise<Result>];

const RUNS: readonly Run[] = [
  ["a change at one gateway counts from the next login or check at another", (all) => countStale(5, all)],
  ["a login key is replaced at two gateways, and no login is refused", (all) => replaceLoginKey(20, 100, 4, all)],
  ["eight processes on an empty database agree on one signing key", (all) => startTogether(8, TOKEN_ALGS.length, all)],
];

/** Defines the tests, and those of further runs. `open` gives the settings of an empty database. */
export function defineShortRuns(open: () => Promise<Environment>, ...further: readonly Run[]): void {
  const settings = async (): Promise<Settings> => ({ DATA_DIR: temporaryFolder(), ...(await open()) });

  test.each([...RUNS, ...further])("%s", async (_name, run) => {
    expect((await run(await settings())).mistakes).toEqual([]);
  });

  test("no step of changing the master key of two gateways refuses a login", async () => {
    await changeMasterKey(await settings());
  });
}

const [OLD, NEW] = ["11".repeat(32), "22".repeat(32)];
const CUSTOMERS = 8;
/** Few enough for a busy machine: an overloaded gateway refuses logins. */
const LOGINS_A_SECOND = 100;

/** Follows docs/secrets.md. */
async function changeMasterKey(settings: Settings): Promise<void> {
  const start = (masterKey: string, others = ""): Promise<BareGateway> =>
    startBareGateway({ ...settings, ...NO_LIMITS, MASTER_KEY: masterKey, OTHER_MASTER_KEYS: others });
  const first = await start(OLD);
  const fleet = [first, await start(OLD)];
  const boards: Board[] = [];
  const enrol = async ({ registry }: BareGateway): Promise<void> => {
    const [customerId, deviceKey] = [`customer-${boards.length}`, `device-${boards.length}`];
    await registry.customers.create({ customerId }, GATEWAY);
    const draft = { customerId, purpose: "login", importedKey: "" } as const;
    const { customerKey } = await registry.customerKeys.issue(draft, GATEWAY);
    await registry.devices.create({ customerId, deviceKey }, GATEWAY);
    boards.push({ deviceKey, customerKey });
  };
  for (let number = 0; number < CUSTOMERS; number++) await enrol(first);

  using load = startLogins(fleet, boards, LOGINS_A_SECOND);
  /** Restarts one gateway after the other. Meanwhile each creates keys that the other has to unseal. */
  const step = async (masterKey: string, others?: string): Promise<void> => {
    for (const index of fleet.keys()) {
      const old = fleet[index];
      fleet[index] = await start(masterKey, others);
      // Wait until no login is on its way to the gateway that has left the fleet.
      await Promise.all(load.answers);
      await old?.close();
      for (const gateway of fleet) await enrol(gateway);
      // Wait until every board has logged in again at every gateway.
      await load.more(boards.length * fleet.length);
    }
  };

  await step(OLD, NEW);
  await step(NEW, OLD);
  const { status, stdout, stderr } = await runCommand(["secrets", "reseal", "--json"], {
    env: { COUNTERSIGN_INTERNAL_URL: fleet[0]?.internalUrl ?? "", COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN },
  });
  expect([status, stderr]).toEqual([0, ""]);
  // Counts the keys of customers that were enrolled before the end of the second step, and the signing key.
  const { resealed, unopened } = JSON.parse(stdout);
  expect(resealed).toBeGreaterThan(CUSTOMERS);
  expect(unopened).toBe(0);
  await step(NEW);

  const outcomes = await load.stop();
  expect(outcomes.filter((outcome) => outcome !== "ok")).toEqual([]);
  expect(outcomes.length).toBeGreaterThan(6 * boards.length);
}
