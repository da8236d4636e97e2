// Changes the master key of two gateways in turn, as docs/secrets.md says, while devices log in.

import { expect } from "vitest";
import type { Environment } from "../../src/config.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { runCommand } from "../command.ts";
import { ADMIN_TOKEN, type BareGateway, NO_LIMITS, startBareGateway } from "../gateway.ts";
import type { Board } from "../registry-contents.ts";
import { startLogins } from "./rotation.ts";

const OLD = "11".repeat(32);
const NEW = "22".repeat(32);
const CUSTOMERS = 8;
/** Few enough for a busy machine: an overloaded gateway refuses logins. */
const LOGINS_A_SECOND = 100;

export async function changeMasterKey(settings: Environment & { readonly DATA_DIR: string }): Promise<void> {
  const start = (masterKey: string, others = ""): Promise<BareGateway> =>
    startBareGateway({ ...settings, ...NO_LIMITS, MASTER_KEY: masterKey, OTHER_MASTER_KEYS: others });
  const fleet = [await start(OLD), await start(OLD)];
  const boards: Board[] = [];
  const enrol = async (gateway: BareGateway | undefined): Promise<void> => {
    if (gateway !== undefined) boards.push(await enrolCustomer(gateway, boards.length));
  };
  for (let number = 0; number < CUSTOMERS; number++) await enrol(fleet[0]);

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

async function enrolCustomer(gateway: BareGateway, number: number): Promise<Board> {
  const { customers, customerKeys, devices } = gateway.registry;
  const customerId = `customer-${number}`;
  const deviceKey = `device-${number}`;
  const isDerived = number % 2 === 1;
  await customers.create({ customerId }, GATEWAY);
  const purpose = isDerived ? "derivation" : "login";
  const { customerKey } = await customerKeys.issue({ customerId, purpose, importedKey: "" }, GATEWAY);
  const keyMode = isDerived ? "derived" : "shared";
  // A board logs in more than once in a second, which replay guard would refuse.
  await devices.create({ customerId, deviceKey, keyMode, replayGuard: false }, GATEWAY);
  return { deviceKey, customerKey: isDerived ? deriveDeviceKey(secretFromText(customerKey), deviceKey) : customerKey };
}
