// Replaces a customer's login key while its devices log in, at two gateways on one database, with the steps of an operator.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Environment } from "../../src/config.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { CUSTOMER_KEY, enrolMany, logInBy, NO_LIMITS, openGateway, type TestGateway } from "../gateway.ts";
import { type Pace, sendAtRate } from "../pace.ts";

export interface RotationOptions {
  readonly devices: number;
  /** Logins a second, over all devices. */
  readonly rate: number;
  /** Number of logins between giving the new key to one device and to the next. */
  readonly loginsBetween: number;
  /** The database that both gateways share. */
  readonly settings: Environment;
}

export interface RotationReport {
  readonly logins: number;
  /** Answers other than 200. */
  readonly refused: readonly string[];
  /** The counts of `retire --dry-run` before any device had the new key, and at the end. */
  readonly stopped: { readonly before: number; readonly after: number };
  /** Devices whose last login was by the new key, by the gateways' count at the end. */
  readonly moved: number;
  /** Whether both gateways refused the old key after its retirement. */
  readonly isOldKeyRefused: boolean;
}

/** Time in which every gateway sees a change, in seconds. */
const SEEN_S = 1;

export async function runRotation(options: RotationOptions): Promise<RotationReport> {
  const { devices, rate, loginsBetween, settings } = options;
  const open = (): Promise<TestGateway> => openGateway({ ...NO_LIMITS, ...settings });
  const gateways = [await open(), await open()] as const;
  const [one] = gateways;
  try {
    const deviceKeys = Array.from({ length: devices }, (_, index) => `rotated-${index}-${randomUUID()}`);
    await enrolMany(one, deviceKeys);
    const keys = new Map(deviceKeys.map((deviceKey) => [deviceKey, CUSTOMER_KEY]));
    using load = startLogins(gateways, keys, rate);
    await load.more(devices);

    // 1. Issue a new key, which devices get one by one.
    const { customerId, registry } = one;
    const [old] = await registry.customerKeys.list(customerId);
    if (old === undefined) throw new TypeError("the customer has no key");
    const draft = { customerId, purpose: "login", importedKey: "" } as const;
    const { keyId, customerKey } = await registry.customerKeys.issue(draft, GATEWAY);
    await load.more(rate * SEEN_S);
    const stoppedBy = async (): Promise<number> =>
      (await registry.customerKeys.retire(old.keyId, true, GATEWAY)).stoppedDevices;
    await load.until(async () => (await stoppedBy()) === devices);
    const before = await stoppedBy();
    for (const deviceKey of deviceKeys) {
      keys.set(deviceKey, customerKey);
      await load.more(loginsBetween);
    }

    // 2. Wait until every device has logged in with it: retiring the old one then stops no device.
    await load.until(async () => (await stoppedBy()) === 0);
    const after = await stoppedBy();
    await registry.customerKeys.retire(old.keyId, false, GATEWAY);
    const progress = await registry.customerKeys.progress(customerId);
    await load.more(rate * SEEN_S + devices);

    const outcomes = await load.stop();
    const late = await Promise.all(
      gateways.map(({ publicUrl }) => logIn(publicUrl, deviceKeys[0] ?? "", CUSTOMER_KEY)),
    );
    return {
      logins: outcomes.length,
      refused: outcomes.filter((outcome) => outcome !== "ok"),
      stopped: { before, after },
      moved: progress.keys.find((key) => key.keyId === keyId)?.devices ?? 0,
      isOldKeyRefused: late.every((outcome) => outcome.includes("invalid_credentials")),
    };
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.close()));
  }
}

interface Load extends Pace<string> {
  /** Resolves once `count` more logins were sent and the last one was answered. */
  more(count: number): Promise<void>;
  /** Polls until `isSo` returns true. */
  until(isSo: () => Promise<boolean>): Promise<void>;
}

/** Devices log in at a steady rate at both gateways in turn, each by its present key. */
function startLogins(gateways: readonly TestGateway[], keys: ReadonlyMap<string, string>, rate: number): Load {
  const names = [...keys.keys()];
  const pace = sendAtRate(rate, (index) => {
    const name = names[index % names.length] ?? "";
    const gateway = gateways[(index + Math.floor(index / names.length)) % gateways.length];
    return logIn(gateway?.publicUrl ?? "", name, keys.get(name) ?? "");
  });
  const more = async (count: number): Promise<void> => {
    const due = pace.answers.length + count;
    while (pace.answers.length < due) {
      await pace.answers.at(-1);
      await pause(5);
    }
  };
  return {
    ...pace,
    more,
    async until(isSo) {
      while (!(await isSo())) await more(rate / 10);
    },
  };
}

async function logIn(url: string, deviceKey: string, customerKey: string): Promise<string> {
  const response = await logInBy(url, { deviceKey, customerKey });
  const text = await response.text();
  return response.status === 200 ? "ok" : text;
}
