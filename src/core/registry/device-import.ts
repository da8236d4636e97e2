// Importing devices: many rows in one transaction, the good ones in, the bad ones told of. Knows no file and no database.

import { AuthError, malformed, type Reason } from "../errors.ts";
import { changedDetails, isChange } from "./changes.ts";
import { type DevicePatch, deviceDetails, patched, readPatch } from "./device-changes.ts";
import { readCustomerId, readEnrolledDeviceKey } from "./names.ts";
import type { Actor, AuditEntry, Device, DeviceStore, KeyMode } from "./ports.ts";

/** A device as it is to be; what is undefined is left as it is, or as `create` would have it. */
export interface ImportRow {
  readonly deviceKey: string;
  readonly customerId: string;
  readonly displayName: string | undefined;
  readonly keyMode: KeyMode | undefined;
  readonly sharedIdentity: boolean | undefined;
  readonly replayGuard: boolean | undefined;
  readonly labels: Readonly<Record<string, string>> | undefined;
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
  /** @throws AuthError `malformed` for too many rows, and what the store refuses; a row's own mistakes are in the outcome */
  importDevices(rows: readonly ImportRow[], actor: Actor): Promise<ImportOutcome>;
}

export interface DeviceImportDependencies {
  readonly devices: Pick<DeviceStore, "importAll">;
  readonly now: () => number;
}

/** What became of a row. */
type Fate = "created" | "updated" | "unchanged" | AuthError;

/** Builds the use-case over its port. */
export function createDeviceImport({ devices, now }: DeviceImportDependencies): DeviceImport {
  return {
    async importDevices(rows, actor) {
      if (rows.length > MAX_IMPORT_ROWS) {
        throw malformed(`rows has ${rows.length} entries. It has at most ${MAX_IMPORT_ROWS}`, "rows");
      }
      const at = now();
      const { fates, wishes } = readRows(rows);
      if (wishes.length > 0) {
        await devices.importAll(
          wishes,
          (place, current, customerExists) => {
            const wish = wishes[place];
            if (wish === undefined) throw new RangeError(`an import has no place ${place}`);
            const { fate, next } = decide(wish, current, customerExists);
            // A transaction that is done again decides again: the last decision stands.
            fates[wish.place] = fate;
            return next;
          },
          () => describe(summarise(fates), wishes, actor, at),
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

function readRow(row: ImportRow, place: number): Wish {
  // Checked here: an empty one asks for a key of the gateway's making, and an import done again would enrol a second device.
  const deviceKey = readEnrolledDeviceKey(row.deviceKey);
  const customerId = readCustomerId(row.customerId);
  const patch = readPatch({
    ...(row.displayName !== undefined && { displayName: row.displayName }),
    ...(row.keyMode !== undefined && { keyMode: row.keyMode }),
    ...(row.sharedIdentity !== undefined && { sharedIdentity: row.sharedIdentity }),
    ...(row.replayGuard !== undefined && { replayGuard: row.replayGuard }),
    ...(row.labels !== undefined && { labels: row.labels }),
  });
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
): { fate: Fate; next?: Device } {
  const refuse = (reason: Reason, message: string, field: string): { fate: Fate } => ({
    fate: new AuthError(reason, message, { field }),
  });
  if (!customerExists) return refuse("does_not_exist", "no customer has this customer_id", "customer_id");
  if (current === undefined) return { fate: "created", next: enrol(deviceKey, customerId, patch) };
  if (current.customerId !== customerId) {
    return refuse(
      "already_exists",
      "this device_key belongs to another customer. Delete that device first or choose another device_key",
      "device_key",
    );
  }
  const next = patched(current, patch);
  return isChange(changedDetails(deviceDetails(current), deviceDetails(next)))
    ? { fate: "updated", next }
    : { fate: "unchanged" };
}

/** As `create` does, of what has been read already: a million rows are not read twice. */
function enrol(deviceKey: string, customerId: string, patch: DevicePatch): Device {
  const keyMode = patch.keyMode ?? "shared";
  const replayGuard = patch.replayGuard ?? keyMode === "derived";
  return { ...UNSAID, ...patch, deviceKey, customerId, keyMode, replayGuard };
}

/** What a new device has where its row says nothing. */
const UNSAID = {
  displayName: "",
  status: "enabled",
  sharedIdentity: false,
  labels: {},
  acceptsShared: false,
  tokensNotBefore: 0,
} as const;

function summarise(fates: readonly Fate[]): ImportOutcome {
  const count = (which: Fate): number => fates.filter((fate) => fate === which).length;
  return {
    created: count("created"),
    updated: count("updated"),
    unchanged: count("unchanged"),
    failures: fates.flatMap((fate, row) =>
      fate instanceof AuthError
        ? [{ row, reason: fate.reason, message: fate.message, field: fate.particulars.field ?? "" }]
        : [],
    ),
  };
}

function describe(
  { created, updated, failures }: ImportOutcome,
  wishes: readonly Wish[],
  actor: Actor,
  at: number,
): AuditEntry {
  const [first = "", ...others] = new Set(wishes.map(({ customerId }) => customerId));
  return {
    actor,
    at,
    action: "ImportDevices",
    resource: "devices",
    // Where it is several customers', it is nobody's.
    customerId: others.length === 0 ? first : "",
    details: { created, updated, failed: failures.length },
  };
}
