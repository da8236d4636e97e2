// Importing devices: many rows in one transaction, the good ones in, the bad ones told of. Knows no file and no database.

import { AuthError, malformed, type Reason } from "../errors.ts";
import { changedDetails, isChange } from "./changes.ts";
import { type DevicePatch, deviceDetails, newDevice, patched, readPatch } from "./device-changes.ts";
import { type Written, writtenDetails } from "./import-details.ts";
import { readCustomerId, readEnrolledDeviceKey } from "./names.ts";
import type { Actor, AuditEntry, Device, DeviceStore } from "./ports.ts";
import { noCustomer } from "./refusals.ts";

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

/** What became of a row. */
type Fate = Written | "unchanged" | AuthError;

/** Builds the use-case over its port. */
export function createDeviceImport({ devices, now }: DeviceImportDependencies): DeviceImport {
  return {
    async importDevices(rows, actor, dryRun = false) {
      if (rows.length > MAX_IMPORT_ROWS) {
        throw malformed(`rows has ${rows.length} entries. It has at most ${MAX_IMPORT_ROWS}`, "rows");
      }
      const { fates, wishes } = readRows(rows);
      if (wishes.length > 0) {
        await devices.importAll(
          wishes,
          (place, current, customerExists) => {
            const wish = wishes[place];
            if (wish === undefined) throw new RangeError(`an import has no place ${place}`);
            // A transaction that is done again decides again, by the time that it is then: the last decision stands.
            const { fate, next } = decide(wish, current, customerExists, now());
            fates[wish.place] = fate;
            return dryRun ? undefined : next;
          },
          () => describe(fates, wishes, actor, now()),
        );
      }
      return summarise(fates);
    },
  };
}

/** A row whose shape is right. */
interface Wish {
  /** Its place among all rows. */
  readonly place: number;
  readonly deviceKey: string;
  readonly customerId: string;
  readonly patch: DevicePatch;
}

/** Sorts out the rows whose shape is wrong, and those that name a device a second time. */
function readRows(rows: readonly ImportRow[]): { fates: Fate[]; wishes: readonly Wish[] } {
  const wishes: Wish[] = [];
  const places = new Map<string, number>();
  const fates = rows.map((row, place): Fate => {
    try {
      const wish = readRow(row, place);
      refuseRepetition(places.get(wish.deviceKey));
      places.set(wish.deviceKey, place);
      wishes.push(wish);
      return "unchanged";
    } catch (error) {
      if (error instanceof AuthError) return error;
      throw error;
    }
  });
  return { fates, wishes };
}

function readRow({ deviceKey: key, customerId: owner, ...said }: ImportRow, place: number): Wish {
  // Checked here: an empty one asks for a key of the gateway's making, and an import done again would enrol a second device.
  const deviceKey = readEnrolledDeviceKey(key);
  const customerId = readCustomerId(owner);
  const patch = readPatch(said);
  return { place, deviceKey, customerId, patch };
}

function refuseRepetition(earlier: number | undefined): void {
  if (earlier === undefined) return;
  throw malformed(
    `row ${earlier} of this request has the same device_key (the first is row 0). Leave one of them out`,
    "device_key",
  );
}

/** Decides a row by the device that has its key, if there is one. */
function decide(
  { deviceKey, customerId, patch }: Wish,
  current: Device | undefined,
  customerExists: boolean,
  at: number,
): { fate: Fate; next?: Device } {
  if (!customerExists) return { fate: noCustomer() };
  if (current === undefined) {
    return { fate: { kind: "created", deviceKey, changed: {} }, next: newDevice(deviceKey, customerId, patch, at) };
  }
  if (current.customerId !== customerId) return { fate: anothersDevice() };
  try {
    const next = patched(current, patch, at);
    const changed = changedDetails(deviceDetails(current), deviceDetails(next));
    return isChange(changed) ? { fate: { kind: "updated", deviceKey, changed }, next } : { fate: "unchanged" };
  } catch (error) {
    if (error instanceof AuthError) return { fate: error };
    throw error;
  }
}

function anothersDevice(): AuthError {
  return new AuthError(
    "already_exists",
    "this device_key belongs to another customer. Delete that device first or choose another device_key",
    { field: "device_key" },
  );
}

function summarise(fates: readonly Fate[]): ImportOutcome {
  const written = fates.filter(isWritten);
  const created = written.filter(({ kind }) => kind === "created").length;
  return {
    created,
    updated: written.length - created,
    unchanged: fates.filter((fate) => fate === "unchanged").length,
    failures: fates.flatMap((fate, row) =>
      fate instanceof AuthError
        ? [{ row, reason: fate.reason, message: fate.message, field: fate.particulars.field ?? "" }]
        : [],
    ),
  };
}

function isWritten(fate: Fate): fate is Written {
  return typeof fate === "object" && "kind" in fate;
}

function describe(fates: readonly Fate[], wishes: readonly Wish[], actor: Actor, at: number): AuditEntry {
  const [first = "", ...others] = new Set(wishes.map(({ customerId }) => customerId));
  const { created, updated, failures } = summarise(fates);
  const written = fates.filter(isWritten);
  return {
    actor,
    at,
    action: "ImportDevices",
    resource: "devices",
    // Where it is several customers', it is nobody's.
    customerId: others.length === 0 ? first : "",
    details: { created, updated, failed: failures.length, ...writtenDetails(written) },
  };
}
