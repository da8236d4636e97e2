// Importing devices: many rows in one transaction, the good ones in, the bad ones told of.

import { AuthError, malformed, type Reason } from "../errors.ts";
import { changedDetails } from "./audit.ts";
import { applyPatch, type DevicePatch, deviceDetails, newDevice, readPatch } from "./device-changes.ts";
import { doesNotExist, readCustomerId, readEnrolledDeviceKey } from "./names.ts";
import type { Actor, AuditEntry, Device, DeviceStore } from "./ports.ts";

/** A device as it is to be. */
export interface ImportRow extends DevicePatch {
  readonly deviceKey: string;
  readonly customerId: string;
}

export interface ImportFailure {
  /** Its place among the rows, from 0. */
  readonly row: number;
  readonly reason: Reason;
  readonly message: string;
  readonly field: string;
}

export interface ImportOutcome {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  /** By row. */
  readonly failures: readonly ImportFailure[];
}

/** The most rows of one import. */
export const MAX_IMPORT_ROWS = 1_000;

export interface DeviceImport {
  /** `dryRun`: tells the outcome alone. @throws AuthError `malformed` for too many rows, and what the store refuses; a row's own mistakes are in the outcome */
  importDevices(rows: readonly ImportRow[], actor: Actor, dryRun?: boolean): Promise<ImportOutcome>;
}

/** The outcome of a row. */
type Fate = "created" | "updated" | "unchanged" | AuthError;

/** A row of the right shape. */
interface Wish extends ImportRow {
  /** Its index among all rows. */
  readonly row: number;
}

export function createDeviceImport({
  devices,
  now,
}: {
  readonly devices: Pick<DeviceStore, "importAll">;
  readonly now: () => number;
}): DeviceImport {
  return {
    async importDevices(rows, actor, dryRun = false) {
      if (rows.length > MAX_IMPORT_ROWS) {
        throw malformed(`rows has ${rows.length} entries. It has at most ${MAX_IMPORT_ROWS}`, "rows");
      }
      const seen = new Map<string, number>();
      const read = rows.map((draft, row) => orError(() => readRow(draft, row, seen)));
      const wishes = read.filter((wish): wish is Wish => !(wish instanceof AuthError));
      const fates = read.map((wish): Fate => (wish instanceof AuthError ? wish : "unchanged"));
      await devices.importAll(
        wishes,
        (index, current, customerExists) => {
          const wish = wishes[index];
          if (wish === undefined) throw new RangeError(`an import has no row ${index}`);
          // A repeated transaction decides again: the last decision stands.
          const { fate, next } = decide(wish, current, customerExists, now());
          fates[wish.row] = fate;
          return dryRun ? undefined : next;
        },
        () => describe(summarise(fates), wishes, actor, now()),
      );
      return summarise(fates);
    },
  };
}

function orError<Result>(act: () => Result): Result | AuthError {
  try {
    return act();
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

/** @throws AuthError for a wrong shape, and for a device that an earlier row has */
function readRow(draft: ImportRow, row: number, seen: Map<string, number>): Wish {
  // An empty one would ask for a generated key, and a repeated import would enrol a second device.
  const deviceKey = readEnrolledDeviceKey(draft.deviceKey);
  const wish = { ...readPatch(draft), deviceKey, customerId: readCustomerId(draft.customerId), row };
  const earlier = seen.get(deviceKey);
  seen.set(deviceKey, row);
  if (earlier === undefined) return wish;
  throw malformed(
    `row ${earlier} of this request has the same device_key (the first is row 0). Leave one of them out`,
    "device_key",
  );
}

/** Decides a row by the device that has its key, if any. */
function decide(
  wish: Wish,
  current: Device | undefined,
  customerExists: boolean,
  at: number,
): { readonly fate: Fate; readonly next?: Device } {
  const { deviceKey, customerId } = wish;
  if (!customerExists) return { fate: doesNotExist("customer") };
  if (current === undefined) return { fate: "created", next: newDevice(deviceKey, customerId, wish, at) };
  if (current.customerId !== customerId) {
    const message =
      "this device_key belongs to another customer. Delete that device first or choose another device_key";
    return { fate: new AuthError("already_exists", message, { field: "device_key" }) };
  }
  const next = applyPatch(current, wish, at);
  const isSame = changedDetails(deviceDetails(current), deviceDetails(next)) === undefined;
  return isSame ? { fate: "unchanged" } : { fate: "updated", next };
}

function summarise(fates: readonly Fate[]): ImportOutcome {
  const count = (fate: Fate): number => fates.filter((one) => one === fate).length;
  return {
    created: count("created"),
    updated: count("updated"),
    unchanged: count("unchanged"),
    failures: fates.flatMap((fate, row) =>
      fate instanceof AuthError
        ? [{ row, reason: fate.reason, message: fate.message, field: fate.details.field ?? "" }]
        : [],
    ),
  };
}

function describe(outcome: ImportOutcome, wishes: readonly Wish[], actor: Actor, at: number): AuditEntry {
  const { created, updated, failures } = outcome;
  const [first = "", ...others] = new Set(wishes.map(({ customerId }) => customerId));
  // Empty for devices of several customers.
  const customerId = others.length === 0 ? first : "";
  const details = { created, updated, failed: failures.length };
  return { actor, at, action: "ImportDevices", resource: "devices", customerId, details };
}
