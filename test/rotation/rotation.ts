// Replaces a customer's login key while its devices log in, at two gateways on one database, with the steps of an operator.

import { randomUUID } from "node:crypto";
import type { Environment } from "../../src/config.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { CUSTOMER_KEY, enrolMany, logInBy, NO_LIMITS, openGateway, type TestGateway } from "../gateway.ts";
import { type Pace, sendAtRate } from "../pace.ts";
import type { Board } from "../registry-contents.ts";

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
    const boards = deviceKeys.map((deviceKey) => ({ deviceKey, customerKey: CUSTOMER_KEY }));
    using load = startLogins(gateways, boards, rate);
    await load.more(devices);

    // 1. Issue a new key, which devices get one by one.
    const { customerId, registry } = one;
    const [old] = await registry.customerKeys.list(customerId);
    if (old === undefined) throw new TypeError("the customer has no key");
    const draft = { customerId, purpose: "login", importedKey: "" } as const;
    const { keyId, customerKey } = await registry.customerKeys.issue(draft, GATEWAY);
    await load.more(rate * SEEN_S);
    const stopped = { before: 0, after: 0 };
    const stopsOf = async (): Promise<number> =>
      (await registry.customerKeys.retire(old.keyId, true, GATEWAY)).stoppedDevices;
    for (; stopped.before < devices; stopped.before = await stopsOf()) await load.more(rate / 10);
    for (const board of boards) {
      board.customerKey = customerKey;
      await load.more(loginsBetween);
    }

    // 2. Wait until every device has logged in with it: retiring the old one then stops no device.
    stopped.after = await stopsOf();
    for (; stopped.after > 0; stopped.after = await stopsOf()) await load.more(rate / 10);
    await registry.customerKeys.retire(old.keyId, false, GATEWAY);
    const progress = await registry.customerKeys.progress(customerId);
    await load.more(rate * SEEN_S + devices);

    const outcomes = await load.stop();
    const late = gateways.map((gateway) =>
      logIn(gateway, { deviceKey: deviceKeys[0] ?? "", customerKey: CUSTOMER_KEY }),
    );
    return {
      logins: outcomes.length,
      refused: outcomes.filter((outcome) => outcome !== "ok"),
      stopped,
      moved: progress.keys.find((key) => key.keyId === keyId)?.devices ?? 0,
      isOldKeyRefused: (await Promise.all(late)).every((outcome) => outcome.includes("invalid_credentials")),
    };
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.close()));
  }
}

type Listening = Pick<TestGateway, "publicUrl">;

/** Boards log in at a steady rate, at all gateways in turn; both lists may change meanwhile. An answer is `ok` or the error's text. */
export function startLogins(gateways: readonly Listening[], boards: readonly Board[], rate: number): Pace<string> {
  return sendAtRate(rate, async (index) => {
    const board = boards[index % boards.length];
    const gateway = gateways[(index + Math.floor(index / boards.length)) % gateways.length];
    return board && gateway ? logIn(gateway, board) : "there is no board or no gateway";
  });
}

async function logIn({ publicUrl }: Listening, board: Board): Promise<string> {
  const response = await logInBy(publicUrl, board);
  const text = await response.text();
  return response.status === 200 ? "ok" : text;
}
