// Imports many devices in one transaction. An invalid row fails alone.

import { AuthError, malformed, type Reason } from "../errors.ts";
import { DEVICE_KIND, type DevicePatch, newDevice, readDevicePatch } from "./devices.ts";
import { doesNotExist, readCustomerId, readEnrolledDeviceKey } from "./names.ts";
import type { Actor, Device, DeviceStore, Stamp } from "./ports.ts";
import { decideUpdate } from "./resources.ts";

/** A device to enrol, or the changes of one. */
export interface ImportRow extends DevicePatch {
  readonly deviceKey: string;
  readonly customerId: string;
}

export interface ImportFailure {
  /** The row's index. */
  readonly row: number;
  readonly reason: Reason;
  readonly message: string;
  readonly field: string;
}

export interface ImportOutcome {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  /** In the order of the rows. */
  readonly failures: readonly ImportFailure[];
}

/** The most rows of one import. */
export const MAX_IMPORT_ROWS = 1_000;

/**
 * Imports rows in one transaction. The outcome has the mistakes of each row. With `dryRun` nothing is stored.
 * @throws AuthError `malformed` for too many rows, or an error of the store
 */
export type ImportDevices = (rows: readonly ImportRow[], actor: Actor, dryRun?: boolean) => Promise<ImportOutcome>;

type RowResult = "created" | "updated" | "unchanged" | AuthError;

/** A well-formed row with normalised fields, and its index among all rows. */
type CheckedRow = ImportRow & { readonly index: number };

/** `now` in Unix milliseconds. */
export function createImportDevices(devices: Pick<DeviceStore, "importAll">, now: () => number): ImportDevices {
  return async (drafts, actor, dryRun = false) => {
    if (drafts.length > MAX_IMPORT_ROWS) {
      throw malformed(`rows has ${drafts.length} entries. Send at most ${MAX_IMPORT_ROWS}`, "rows");
    }
    const results: RowResult[] = drafts.map(() => "unchanged");
    const rows: CheckedRow[] = [];
    const indexes = new Map<string, number>();
    for (const [index, draft] of drafts.entries()) {
      try {
        rows.push(readRow(draft, index, indexes));
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        results[index] = error;
      }
    }
    await devices.importAll(
      rows,
      (row, current, customerExists) => {
        // A retried transaction decides again: the last decision wins.
        const { result, next } = decide(row, current, customerExists, { actor, at: now() });
        results[row.index] = result;
        return dryRun ? undefined : next;
      },
      () => {
        const { created, updated, failures } = summarise(results);
        const customers = new Set(rows.map(({ customerId }) => customerId));
        // An entry for several customers belongs to none of them.
        const customerId = customers.size === 1 ? (rows[0]?.customerId ?? "") : "";
        const details = { created, updated, failed: failures.length };
        return { actor, at: now(), action: "ImportDevices", resource: "devices", customerId, details };
      },
    );
    return summarise(results);
  };
}

/** @throws AuthError for a malformed row, and for a device that an earlier row has */
function readRow(draft: ImportRow, index: number, indexes: Map<string, number>): CheckedRow {
  // An empty device_key is an error: a repeated import would enrol a second device.
  const deviceKey = readEnrolledDeviceKey(draft.deviceKey);
  const row = { ...readDevicePatch(draft), deviceKey, customerId: readCustomerId(draft.customerId), index };
  const earlier = indexes.get(deviceKey);
  indexes.set(deviceKey, index);
  if (earlier === undefined) return row;
  throw malformed(
    `row ${earlier} of this request has the same device_key (the first is row 0). Leave one of them out`,
    "device_key",
  );
}

/** Decides a row by the device with its device_key. */
function decide(
  row: CheckedRow,
  current: Device | undefined,
  customerExists: boolean,
  stamp: Stamp,
): { readonly result: RowResult; readonly next?: Device } {
  const { deviceKey, customerId } = row;
  if (!customerExists) return { result: doesNotExist("customer") };
  if (current === undefined) return { result: "created", next: newDevice(deviceKey, customerId, row, stamp.at) };
  if (current.customerId !== customerId) {
    const message =
      "this device_key belongs to another customer. Delete that device first or choose another device_key";
    return { result: new AuthError("already_exists", message, { field: "device_key" }) };
  }
  const change = decideUpdate(DEVICE_KIND, current, row, stamp);
  return change === undefined ? { result: "unchanged" } : { result: "updated", next: change.next };
}

function summarise(results: readonly RowResult[]): ImportOutcome {
  const count = (result: RowResult): number => results.filter((one) => one === result).length;
  return {
    created: count("created"),
    updated: count("updated"),
    unchanged: count("unchanged"),
    failures: results.flatMap((result, row) =>
      result instanceof AuthError
        ? [{ row, reason: result.reason, message: result.message, field: result.details.field ?? "" }]
        : [],
    ),
  };
}
