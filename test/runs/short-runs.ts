// Defines short versions of the long runs, for either database.

import { expect, test } from "vitest";
import type { Environment } from "../../src/config.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { TOKEN_ALGS } from "../../src/core/tokens/algorithms.ts";
import { runCommand } from "../command.ts";
import { ADMIN_TOKEN, type BareGateway, NO_LIMITS, startBareGateway } from "../gateway.ts";
import type { Result } from "../long-run.ts";
import { temporaryFolder } from "../program.ts";
import { type Board, statusesOf } from "../registry-copy.ts";
import { startTogether } from "./first-start.ts";
import { replaceLoginKey } from "./rotation.ts";
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

  test("at each step of changing the master key, two gateways open each other's secrets", async () => {
    const all = { ...(await settings()), ...NO_LIMITS };
    const boards: Board[] = [];
    for (let step = 1; step < MASTER_KEYS.length; step++) {
      const fleet = MASTER_KEYS.slice(step - 1, step + 1).map((keys) => ({ ...all, ...keys }));
      const gateways = await Promise.all(fleet.map(startBareGateway));
      for (const gateway of gateways) boards.push(await enrol(gateway, `board-${boards.length}`));
      const now = Math.floor(Date.now() / 1000);
      for (const gateway of gateways) {
        expect(await statusesOf(gateway, boards, now)).toEqual(boards.map(() => 200));
      }
      // Three customer keys and two signing keys; the new master key has sealed the fourth.
      if (step === 2) expect(await reseal(gateways[1])).toEqual({ resealed: 5, unopened: 0 });
      for (const { close } of gateways) await close();
    }
  });
}

const [OLD, NEW] = ["11".repeat(32), "22".repeat(32)];
/** The settings by docs/secrets.md. In each step one gateway has the next before the other. */
const MASTER_KEYS = [
  { MASTER_KEY: OLD },
  { MASTER_KEY: OLD, OTHER_MASTER_KEYS: NEW },
  { MASTER_KEY: NEW, OTHER_MASTER_KEYS: OLD },
  { MASTER_KEY: NEW },
];

/** Enrols a device with a customer of its own. */
async function enrol({ registry }: BareGateway, deviceKey: string): Promise<Board> {
  const { customerId } = await registry.customers.create({ customerId: deviceKey }, GATEWAY);
  const draft = { customerId, purpose: "login", importedKey: "" } as const;
  const { customerKey } = await registry.customerKeys.issue(draft, GATEWAY);
  await registry.devices.create({ customerId, deviceKey }, GATEWAY);
  return { deviceKey, customerKey };
}

async function reseal(gateway: BareGateway | undefined): Promise<unknown> {
  const env = { COUNTERSIGN_INTERNAL_URL: gateway?.internalUrl ?? "", COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN };
  return JSON.parse((await runCommand(["secrets", "reseal", "--json"], { env })).stdout);
}
