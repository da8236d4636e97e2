// How long it takes until a change that one gateway made is acted on by another, for each kind of change.

import { setTimeout as pause } from "node:timers/promises";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import type { Environment } from "../../src/environment.ts";
import { CUSTOMER_KEY, logInBy, openGateway, type TestGateway } from "../gateway.ts";
import { moveInTime } from "../moves.ts";

/** What a login is answered: `ok` or a reason. */
type Outcome = string;

interface Fleet {
  readonly registry: Registry;
  readonly customerId: string;
  readonly deviceKey: string;
  /** The device's own key, where it is moved. */
  readonly own: string;
}

interface Change {
  readonly name: string;
  /** Which key logs in, before and after. */
  readonly key?: (fleet: Fleet) => string;
  readonly before: Outcome;
  readonly after: Outcome;
  /** Brought about before the other gateway is asked for the first time. */
  readonly prepare?: (fleet: Fleet) => Promise<unknown>;
  readonly act: (fleet: Fleet) => Promise<unknown>;
}

const SECOND_KEY = "a second key of that customer";

const CHANGES: readonly Change[] = [
  {
    name: "a device is disabled",
    before: "ok",
    after: "disabled",
    act: ({ registry, deviceKey }) => registry.devices.update(deviceKey, { status: "disabled" }, "", GATEWAY),
  },
  {
    name: "a device is enabled",
    before: "disabled",
    after: "ok",
    prepare: ({ registry, deviceKey }) => registry.devices.update(deviceKey, { status: "disabled" }, "", GATEWAY),
    act: ({ registry, deviceKey }) => registry.devices.update(deviceKey, { status: "enabled" }, "", GATEWAY),
  },
  {
    name: "a customer is disabled",
    before: "ok",
    after: "disabled",
    act: ({ registry, customerId }) => registry.customers.update(customerId, { status: "disabled" }, "", GATEWAY),
  },
  {
    name: "a key is issued",
    key: () => SECOND_KEY,
    before: "invalid_credentials",
    after: "ok",
    act: ({ registry, customerId }) =>
      registry.customerKeys.issue({ customerId, purpose: "login", importedKey: SECOND_KEY }, GATEWAY),
  },
  {
    name: "a key is retired",
    before: "ok",
    after: "invalid_credentials",
    async act({ registry, customerId }) {
      const page = { pageSize: 0, pageToken: "", filter: "" };
      const { items } = await registry.customerKeys.list(customerId, page);
      const login = items.find(({ purpose }) => purpose === "login");
      await registry.customerKeys.retire(login?.keyId ?? "", false, GATEWAY);
    },
  },
  {
    name: "a device is deleted",
    before: "ok",
    after: "invalid_credentials",
    act: ({ registry, deviceKey }) => registry.devices.delete(deviceKey, "", GATEWAY),
  },
  {
    name: "an unknown device is enrolled",
    before: "invalid_credentials",
    after: "ok",
    prepare: ({ registry, deviceKey }) => registry.devices.delete(deviceKey, "", GATEWAY),
    act: ({ registry, customerId, deviceKey }) =>
      registry.deviceImport.importDevices([{ deviceKey, customerId }], GATEWAY),
  },
  {
    name: "a device is moved to a key of its own",
    key: ({ own }) => own,
    before: "invalid_credentials",
    // The proof is known for right, and answered once every gateway is sure to know of the move.
    after: "unavailable",
    act: ({ registry, deviceKey }) =>
      moveInTime(() => registry.devices.update(deviceKey, { keyMode: "derived", replayGuard: false }, "", GATEWAY)),
  },
];

const OFF = { LOGIN_LIMIT: "off", FAILURE_LIMIT: "off", ADDRESS_LIMIT: "off" };
const TICK_MS = 5;
/** Over ten seconds. */
const MOST_LOOKS = 2_000;

export interface Seen {
  readonly name: string;
  /** From the answer to whoever made the change until the other gateway acts on it. */
  readonly ms: number;
}

/** Makes each change at one gateway, and asks the other one until it acts on it. */
export async function measureSeen(settings: Environment): Promise<readonly Seen[]> {
  const [one, other] = [await openGateway({ ...OFF, ...settings }), await openGateway({ ...OFF, ...settings })];
  try {
    const seen: Seen[] = [];
    for (const change of CHANGES) seen.push({ name: change.name, ms: await measureOne(change, one, other) });
    return seen;
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
}

async function measureOne(change: Change, { registry, publicUrl }: TestGateway, other: TestGateway): Promise<number> {
  const fleet = await enrolFleet(registry);
  const key = change.key?.(fleet) ?? CUSTOMER_KEY;
  await change.prepare?.(fleet);
  // The other has it in its cache from here on.
  await untilAnswered(other.publicUrl, fleet.deviceKey, key, change.before);
  await change.act(fleet);
  const acted = performance.now();
  const here = await logIn(publicUrl, fleet.deviceKey, key);
  if (here !== change.after) throw new Error(`${change.name}: the gateway that did it answers ${here}`);
  await untilAnswered(other.publicUrl, fleet.deviceKey, key, change.after);
  return performance.now() - acted;
}

async function enrolFleet(registry: Registry): Promise<Fleet> {
  const { customerId } = await registry.customers.create(
    { customerId: "", displayName: "", status: "enabled", loginLimit: "" },
    GATEWAY,
  );
  const issue = (purpose: "login" | "derivation", importedKey: string): Promise<{ customerKey: string }> =>
    registry.customerKeys.issue({ customerId, purpose, importedKey }, GATEWAY);
  await issue("login", CUSTOMER_KEY);
  const { customerKey } = await issue("derivation", "");
  const { deviceKey } = await registry.devices.create({ customerId, deviceKey: "" }, GATEWAY);
  return { registry, customerId, deviceKey, own: deriveDeviceKey(secretFromText(customerKey), deviceKey) };
}

async function untilAnswered(url: string, deviceKey: string, key: string, outcome: Outcome): Promise<void> {
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    if ((await logIn(url, deviceKey, key)) === outcome) return;
    await pause(TICK_MS);
  }
  throw new Error(`the other gateway never answered ${outcome}`);
}

async function logIn(url: string, deviceKey: string, customerKey: string): Promise<Outcome> {
  const response = await logInBy(url, { deviceKey, customerKey });
  const body: { reason?: string } = JSON.parse(await response.text());
  return body.reason ?? "ok";
}
