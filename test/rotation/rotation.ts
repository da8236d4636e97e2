// A customer's login key is replaced while its devices log in, at two gateways on one database: as an operator goes about it.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Environment } from "../../src/config.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { CUSTOMER_KEY, logInBy, openGateway, type TestGateway } from "../gateway.ts";

export interface RotationOptions {
  readonly devices: number;
  /** Logins a second, over all devices. */
  readonly rate: number;
  /** Logins from one device's being given the new key to the next one's. */
  readonly loginsBetween: number;
  /** The database that both gateways share. */
  readonly settings: Environment;
}

export interface RotationReport {
  readonly logins: number;
  /** Answers other than 200, by what they said. */
  readonly refused: readonly string[];
  /** The counts of `retire --dry-run` before any device had the new key, and at the end. */
  readonly stopped: { readonly before: number; readonly after: number };
  /** By the gateways' own count, at the end: devices whose last login was by the new key. */
  readonly moved: number;
  /** Whether the old key was refused by both once it was retired. */
  readonly oldKeyIsOver: boolean;
}

/** How often a device logs in has nothing to do with the key. */
const LIMITS = { LOGIN_LIMIT: "off", ADDRESS_LIMIT: "off", FAILURE_LIMIT: "off" };
/** A change is seen by every gateway within this, in seconds. */
const SEEN_S = 1;
const TICK_MS = 5;

export async function runRotation(options: RotationOptions): Promise<RotationReport> {
  const { devices, rate, loginsBetween, settings } = options;
  const gateways = [
    await openGateway({ ...LIMITS, ...settings }),
    await openGateway({ ...LIMITS, ...settings }),
  ] as const;
  const [one] = gateways;
  try {
    const deviceKeys = await enrolAll(one, devices);
    const keys = new Map(deviceKeys.map((deviceKey) => [deviceKey, CUSTOMER_KEY]));
    const load = startLogins(gateways, keys, rate);
    await load.more(devices);

    // 1. A new key, which devices are given one by one.
    const { customerId, registry } = one;
    const [old] = (await registry.customerKeys.list(customerId, PAGE)).items;
    if (old === undefined) throw new TypeError("the customer of a test has a key");
    const { keyId, customerKey } = await registry.customerKeys.issue(
      { customerId, purpose: "login", importedKey: "" },
      GATEWAY,
    );
    await load.more(rate * SEEN_S);
    const stoppedBy = async (): Promise<number> =>
      (await registry.customerKeys.retire(old.keyId, true, GATEWAY)).stoppedDevices;
    await load.until(async () => (await stoppedBy()) === devices);
    const before = await stoppedBy();
    for (const deviceKey of deviceKeys) {
      keys.set(deviceKey, customerKey);
      await load.more(loginsBetween);
    }

    // 2. Every device has logged in by it, and that is known: the old one stops nobody.
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
      oldKeyIsOver: late.every((outcome) => outcome.includes("invalid_credentials")),
    };
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.close()));
  }
}

const PAGE = { pageSize: 0, pageToken: "", filter: "" };

async function enrolAll({ customerId, registry }: TestGateway, count: number): Promise<readonly string[]> {
  const rows = Array.from({ length: count }, (_, place) => ({
    deviceKey: `rotated-${place}-${randomUUID()}`,
    customerId,
  }));
  await registry.importDevices(rows, GATEWAY);
  return rows.map(({ deviceKey }) => deviceKey);
}

interface Load {
  /** Resolves once so many more logins were sent, and the last of them answered. */
  more(count: number): Promise<void>;
  /** Resolves once something is so, which is looked at now and then. */
  until(isSo: () => Promise<boolean>): Promise<void>;
  /** Sends no more. @returns what was answered */
  stop(): Promise<readonly string[]>;
}

/** Devices log in at a steady rate, each by the key it has just then, at both gateways in turn. */
function startLogins(gateways: readonly TestGateway[], keys: ReadonlyMap<string, string>, rate: number): Load {
  const names = [...keys.keys()];
  const started = performance.now();
  const answers: Promise<string>[] = [];
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * rate;
    while (answers.length < due) {
      const place = answers.length;
      const name = names[place % names.length] ?? "";
      const gateway = gateways[(place + Math.floor(place / names.length)) % gateways.length];
      if (gateway !== undefined) answers.push(logIn(gateway.publicUrl, name, keys.get(name) ?? ""));
    }
  }, TICK_MS);
  const more = async (count: number): Promise<void> => {
    const due = answers.length + count;
    while (answers.length < due) {
      await answers.at(-1);
      await pause(TICK_MS);
    }
  };
  return {
    more,
    async until(isSo) {
      while (!(await isSo())) await more(rate / 10);
    },
    stop() {
      clearInterval(timer);
      return Promise.all(answers);
    },
  };
}

async function logIn(url: string, deviceKey: string, customerKey: string): Promise<string> {
  const response = await logInBy(url, { deviceKey, customerKey });
  const text = await response.text();
  return response.status === 200 ? "ok" : text;
}
