// Changes the master key of two gateways in turn, as docs/secrets.md says, while devices log in.

import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
import type { Environment } from "../src/config.ts";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../src/core/signature.ts";
import { runCommand } from "./command.ts";
import { ADMIN_TOKEN, type BareGateway, logInBy, NO_LIMITS, startBareGateway } from "./gateway.ts";

const OLD = "11".repeat(32);
const NEW = "22".repeat(32);
const CUSTOMERS = 8;

interface Board {
  readonly deviceKey: string;
  readonly customerKey: string;
}

export async function changeMasterKey(settings: Environment & { readonly DATA_DIR: string }): Promise<void> {
  const start = (masterKey: string, others = ""): Promise<BareGateway> =>
    startBareGateway({ ...settings, ...NO_LIMITS, MASTER_KEY: masterKey, OTHER_MASTER_KEYS: others });
  const fleet = [await start(OLD), await start(OLD)];
  const boards: Board[] = [];
  for (let number = 0; number < CUSTOMERS; number++) boards.push(await enrol(fleet[0], boards.length));

  const load = logInAllTheTime(fleet, boards);
  /** Restarts one gateway after the other. Meanwhile each creates keys that the other has to unseal. */
  const step = async (masterKey: string, others?: string): Promise<void> => {
    for (const index of fleet.keys()) {
      const old = fleet[index];
      fleet[index] = await start(masterKey, others);
      await load.settled();
      await old?.close();
      for (const gateway of fleet) boards.push(await enrol(gateway, boards.length));
      await load.round();
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

  const statuses = await load.stop();
  expect(statuses.filter((answer) => answer !== 200)).toEqual([]);
  expect(statuses.length).toBeGreaterThan(6 * boards.length);
}

async function enrol(gateway: BareGateway | undefined, number: number): Promise<Board> {
  if (gateway === undefined) throw new TypeError("a gateway is missing");
  const { customers, customerKeys, devices } = gateway.registry;
  const customerId = `customer-${number}`;
  const deviceKey = `device-${number}`;
  const isDerived = number % 2 === 1;
  await customers.create({ customerId, displayName: "", status: "enabled", loginLimit: "" }, GATEWAY);
  const { customerKey } = await customerKeys.issue(
    { customerId, purpose: isDerived ? "derivation" : "login", importedKey: "" },
    GATEWAY,
  );
  const keyMode = isDerived ? "derived" : "shared";
  // Boards log in again within the second.
  await devices.create({ customerId, deviceKey, keyMode, replayGuard: false }, GATEWAY);
  return { deviceKey, customerKey: isDerived ? deriveDeviceKey(secretFromText(customerKey), deviceKey) : customerKey };
}

/** Boards log in one after the other, each at every gateway of the fleet. */
function logInAllTheTime(fleet: readonly BareGateway[], boards: readonly Board[]) {
  const statuses: number[] = [];
  let stopped = false;
  onTestFinished(() => {
    stopped = true;
  });
  let login: Promise<void> = Promise.resolve();

  async function logIn(board: Board, { publicUrl }: BareGateway): Promise<void> {
    const answer = await logInBy(publicUrl, board);
    await answer.arrayBuffer();
    statuses.push(answer.status);
  }

  const running = (async () => {
    while (!stopped) {
      for (const board of boards) {
        for (const index of fleet.keys()) {
          const gateway = fleet[index];
          if (gateway !== undefined) login = logIn(board, gateway);
          await login;
        }
      }
      await nextTurn();
    }
  })();

  return {
    /** Resolves once no login is under way at a gateway that has left the fleet. */
    settled: () => login,
    /** Resolves once every board has logged in again everywhere. */
    async round(): Promise<void> {
      // The current round began with other gateways.
      const count = statuses.length + 2 * boards.length * fleet.length;
      await expect.poll(() => statuses.length, { timeout: 100_000, interval: 1 }).toBeGreaterThanOrEqual(count);
    },
    async stop(): Promise<readonly number[]> {
      stopped = true;
      await running;
      return statuses;
    },
  };
}
