// The fleet: counts of devices, and changes of many at once, in steps that hold up no login for long.

import { readDeviceKey } from "../device-key.ts";
import { malformed } from "../errors.ts";
import { markRevocation } from "../ids.ts";
import { changedDetails, type Details, isChange } from "./audit.ts";
import { deviceDetails, patched } from "./device-changes.ts";
import { DEVICE_FIELDS } from "./devices.ts";
import type { Condition } from "./filter.ts";
import { readLabels } from "./names.ts";
import { type Listing, listPage } from "./pages.ts";
import type { Actor, AuditEntry, Device, Page, Paged, StoredDevice } from "./ports.ts";

/** The change of each device; a label with an empty value is removed. */
export type FleetAction =
  | { readonly kind: "enable" | "disable" | "revokeTokens" | "delete" }
  | { readonly kind: "label"; readonly labels: Readonly<Record<string, string>> };

/** The devices of a change: a filter and a page of it, or names. */
export interface FleetSelection {
  readonly filter: string;
  readonly pageToken: string;
  readonly deviceKeys: readonly string[];
}

export interface FleetCounts {
  readonly devices: number;
  readonly disabled: number;
  readonly seenLastHour: number;
  readonly seenLastDay: number;
  /** The last failure is later than the last login. */
  readonly failing: number;
}

export interface FleetSummary extends FleetCounts {
  /** Unix milliseconds. */
  readonly countedAt: number;
}

export interface FleetProgress {
  readonly matched: number;
  readonly changed: number;
  /** Empty: all is done. */
  readonly nextPageToken: string;
}

export interface Fleet {
  /** Counts what a filter matches among the next devices; the sum of all pages is the number. */
  count(filter: string, pageToken: string): Promise<{ readonly count: number; readonly nextPageToken: string }>;
  /** Changes the next devices. */
  change(selection: FleetSelection, action: FleetAction, actor: Actor): Promise<FleetProgress>;
  /** Counts the fleet. A count stands for 40 times as long as it took, and is shared by all who ask meanwhile. */
  summarize(): Promise<FleetSummary>;
}

/** A change of one device: as it is to be, or undefined to delete it. */
export interface FleetChange {
  readonly next: Device | undefined;
  readonly entry: AuditEntry;
}

/** The store of the fleet: as DeviceStore, in steps between which it lets logins go first. */
export interface FleetStore {
  /** Counts matching devices among so many after `after`. */
  count(after: string, conditions: readonly Condition[]): Promise<{ count: number; next: string | undefined }>;
  /** The names of the next matching devices. */
  findNames(page: Page): Promise<Paged<string>>;
  /** Decides each device that is there in one transaction, and writes what is decided. @returns how many were found */
  change(
    deviceKeys: readonly string[],
    decide: (current: StoredDevice) => FleetChange | undefined,
  ): Promise<{ readonly found: number; readonly changed: number }>;
  /** Counts all, by logins since these times in unix milliseconds. */
  countAll(hourAgo: number, dayAgo: number): Promise<FleetCounts>;
}

export interface FleetDependencies {
  readonly fleet: FleetStore;
  readonly now: () => number;
}

/** Devices of one call, which takes a fraction of a second. */
const MOST_CHANGED = 1_000;
/** Steps of one call that match few devices: so many times what a page of a list looks at. */
const MOST_STEPS = 25;
const SHORTEST_REST_MS = 2_000;
const REST_FACTOR = 40;

/** Each use-case throws AuthError: `malformed`, or an error of the store. */
export function createFleet({ fleet, now }: FleetDependencies): Fleet {
  let last: { readonly summary: FleetSummary; readonly until: number } | undefined;
  let counting: Promise<FleetSummary> | undefined;

  async function countAll(): Promise<FleetSummary> {
    const startedAt = now();
    const counts = await fleet.countAll(startedAt - 3_600_000, startedAt - 86_400_000);
    const summary = { ...counts, countedAt: startedAt };
    last = { summary, until: now() + Math.max(SHORTEST_REST_MS, REST_FACTOR * (now() - startedAt)) };
    return summary;
  }

  /** Changes devices by name. */
  function changeNamed(
    deviceKeys: readonly string[],
    action: FleetAction,
    actor: Actor,
  ): Promise<{ readonly found: number; readonly changed: number }> {
    return fleet.change(deviceKeys, (current) => decide(current, action, actor, now()));
  }

  return {
    async count(filter, pageToken) {
      let count = 0;
      const { nextPageToken } = await listPage(
        DEVICE_FIELDS,
        { pageSize: 0, pageToken, filter },
        async (page) => {
          let next: string | undefined = page.after;
          for (let step = 0; step < MOST_STEPS && next !== undefined; step++) {
            const counted = await fleet.count(next, page.conditions);
            count += counted.count;
            next = counted.next;
          }
          return { items: [], next };
        },
        now(),
      );
      return { count, nextPageToken };
    },

    async change({ filter, pageToken, deviceKeys }, action, actor) {
      const checked = action.kind === "label" ? { ...action, labels: requireLabels(action.labels) } : action;
      if (deviceKeys.length > 0) {
        if (filter !== "" || pageToken !== "") throw malformed("filter and device_keys exclude each other", "filter");
        if (deviceKeys.length > MOST_CHANGED) {
          const message = `device_keys has ${deviceKeys.length} entries. It has at most ${MOST_CHANGED}`;
          throw malformed(message, "device_keys");
        }
        const { found, changed } = await changeNamed([...new Set(deviceKeys.map(readDeviceKey))], checked, actor);
        return { matched: found, changed, nextPageToken: "" };
      }
      if (filter.trim() === "") {
        throw malformed(
          "filter is missing. To change every device write device_key != and two double quotes",
          "filter",
        );
      }
      let [matched, changed] = [0, 0];
      const changeNext = async (page: Page): Promise<Paged<never>> => {
        let next: string | undefined = page.after;
        for (let step = 0; step < MOST_STEPS && matched < MOST_CHANGED && next !== undefined; step++) {
          const found: Paged<string> = await fleet.findNames({ ...page, after: next, size: MOST_CHANGED - matched });
          const done = await changeNamed(found.items, checked, actor);
          matched += done.found;
          changed += done.changed;
          next = found.next;
        }
        return { items: [], next };
      };
      const listing: Listing<never> = await listPage(
        DEVICE_FIELDS,
        { pageSize: 0, pageToken, filter },
        changeNext,
        now(),
      );
      return { matched, changed, nextPageToken: listing.nextPageToken };
    },

    async summarize() {
      if (last === undefined || now() >= last.until) {
        counting ??= countAll().finally(() => {
          counting = undefined;
        });
        // The count before stands meanwhile.
        if (last === undefined) return counting;
        counting.catch(() => {});
      }
      return last.summary;
    },
  };
}

function requireLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (Object.keys(labels).length === 0) throw malformed("labels is missing. Name the labels to set", "labels");
  return readLabels(labels);
}

const ACTIONS = {
  enable: "UpdateDevice",
  disable: "UpdateDevice",
  label: "UpdateDevice",
  revokeTokens: "RevokeDeviceTokens",
  delete: "DeleteDevice",
} satisfies Record<FleetAction["kind"], string>;

/** The change of one device, with the audit entry that the call on it alone has; undefined: it is as it is to be. */
function decide(current: StoredDevice, action: FleetAction, actor: Actor, at: number): FleetChange | undefined {
  const entryOf = (details: Details): AuditEntry => ({
    actor,
    at,
    action: ACTIONS[action.kind],
    resource: `devices/${current.deviceKey}`,
    customerId: current.customerId,
    details,
  });
  switch (action.kind) {
    case "delete":
      return { next: undefined, entry: entryOf({}) };
    case "revokeTokens": {
      const tokensNotBefore = markRevocation(current.tokensNotBefore, at);
      const details = { tokens_not_before: new Date(tokensNotBefore).toISOString() };
      return { next: { ...current, tokensNotBefore }, entry: entryOf(details) };
    }
    case "label": {
      const merged = Object.entries({ ...current.labels, ...action.labels }).filter(([, value]) => value !== "");
      return changeOf(current, patched(current, { labels: readLabels(Object.fromEntries(merged)) }, at), entryOf);
    }
    default: {
      const status = action.kind === "enable" ? "enabled" : "disabled";
      return changeOf(current, patched(current, { status }, at), entryOf);
    }
  }
}

function changeOf(current: Device, next: Device, entryOf: (details: Details) => AuditEntry): FleetChange | undefined {
  const details = changedDetails(deviceDetails(current), deviceDetails(next));
  return isChange(details) ? { next, entry: entryOf(details) } : undefined;
}
