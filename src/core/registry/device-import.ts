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

export interface DeviceImportDependencies {
  readonly devices: Pick<DeviceStore, "importAll">;
  readonly now: () => number;
}

/** The outcome of a row. */
type Fate = "created" | "updated" | "unchanged" | AuthError;

/** A row of the right shape. */
interface Wish {
  /** Its index among all rows. */
  readonly row: number;
  readonly deviceKey: string;
  readonly customerId: string;
  readonly patch: DevicePatch;
}

export function createDeviceImport({ devices, now }: DeviceImportDependencies): DeviceImport {
  return {
    async importDevices(rows, actor, dryRun = false) {
      if (rows.length > MAX_IMPORT_ROWS) {
        throw malformed(`rows has ${rows.length} entries. It has at most ${MAX_IMPORT_ROWS}`, "rows");
      }
      const fates: Fate[] = [];
      const wishes: Wish[] = [];
      const seen = new Map<string, number>();
      for (const [row, draft] of rows.entries()) {
        const wish = orError(() => readRow(draft, row, seen));
        if (!(wish instanceof AuthError)) wishes.push(wish);
        fates.push(wish instanceof AuthError ? wish : "unchanged");
      }
      if (wishes.length > 0) {
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
          () => describe(fates, wishes, actor, now()),
        );
      }
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
function readRow(
  { deviceKey: key, customerId: owner, ...patch }: ImportRow,
  row: number,
  seen: Map<string, number>,
): Wish {
  // An empty one would ask for a generated key, and a repeated import would enrol a second device.
  const wish = {
    row,
    deviceKey: readEnrolledDeviceKey(key),
    customerId: readCustomerId(owner),
    patch: readPatch(patch),
  };
  const earlier = seen.get(wish.deviceKey);
  seen.set(wish.deviceKey, row);
  if (earlier === undefined) return wish;
  throw malformed(
    `row ${earlier} of this request has the same device_key (the first is row 0). Leave one of them out`,
    "device_key",
  );
}

/** Decides a row by the device that has its key, if any. */
function decide(
  { deviceKey, customerId, patch }: Wish,
  current: Device | undefined,
  customerExists: boolean,
  at: number,
): { readonly fate: Fate; readonly next?: Device } {
  if (!customerExists) return { fate: doesNotExist("customer") };
  if (current === undefined) return { fate: "created", next: newDevice(deviceKey, customerId, patch, at) };
  if (current.customerId !== customerId) return { fate: anothersDevice() };
  const next = orError(() => applyPatch(current, patch, at));
  if (next instanceof AuthError) return { fate: next };
  const isSame = changedDetails(deviceDetails(current), deviceDetails(next)) === undefined;
  return isSame ? { fate: "unchanged" } : { fate: "updated", next };
}

function anothersDevice(): AuthError {
  return new AuthError(
    "already_exists",
    "this device_key belongs to another customer. Delete that device first or choose another device_key",
    { field: "device_key" },
  );
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

function describe(fates: readonly Fate[], wishes: readonly Wish[], actor: Actor, at: number): AuditEntry {
  const [first = "", ...others] = new Set(wishes.map(({ customerId }) => customerId));
  const { created, updated, failures } = summarise(fates);
  // Empty for devices of several customers.
  const customerId = others.length === 0 ? first : "";
  const details = { created, updated, failed: failures.length };
  return { actor, at, action: "ImportDevices", resource: "devices", customerId, details };
}
