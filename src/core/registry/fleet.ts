// Counts and changes many devices, in short steps between logins.

import { malformed } from "../errors.ts";
import { readDeviceKey } from "../login-fields.ts";
import { DEVICE_KIND } from "./devices.ts";
import { readPageQuery, writePageToken } from "./lists.ts";
import { type Labels, MOST_LABELS, readLabels } from "./names.ts";
import type { Actor, Change, Device, PageQuery, PageResult, Stamp, StoredDevice } from "./ports.ts";
import { decideRevocation, decideUpdate, describeDeletion } from "./resources.ts";

export type FleetAction = "enable" | "disable" | "label" | "revoke_tokens" | "delete";

/** A change of many devices: the named ones, or those that match a filter, starting at a page. */
export interface FleetRequest {
  readonly filter: string;
  readonly pageToken: string;
  readonly deviceKeys: readonly string[];
  readonly action: FleetAction;
  /** For `label` alone; an empty value removes the label. */
  readonly labels: Labels;
}

export interface FleetCounts {
  readonly devices: number;
  readonly disabled: number;
  readonly seenLastHour: number;
  readonly seenLastDay: number;
  /** The last failure is later than the last login. */
  readonly failing: number;
}

/** `countedAt` in Unix milliseconds. */
export type FleetSummary = FleetCounts & { readonly countedAt: number };

/** How many of the named devices exist, and how many of these were changed. */
export interface FleetProgress {
  readonly matched: number;
  readonly changed: number;
}

/** Each use case throws AuthError: `malformed`, or an error of the store. */
export interface Fleet {
  /** Counts the matches among the next devices. The sum over all pages is the total. */
  count(filter: string, pageToken: string): Promise<{ count: number; nextPageToken: string }>;
  /** Changes the next devices. They may be none although others follow: an empty token ends the list. */
  change(request: FleetRequest, actor: Actor): Promise<FleetProgress & { readonly nextPageToken: string }>;
  /** Counts the fleet. The count is cached for 40 times as long as it took. */
  summarize(): Promise<FleetSummary>;
}

/** A change of one device; without `next` it is deleted. */
export type FleetChange = Change<Device | undefined>;

/** The store of the fleet. Errors as in DeviceStore. Steps are short, and logins run between them. */
export interface FleetStore {
  /** The names of the next matching devices. */
  findNames(page: PageQuery): Promise<PageResult<string>>;
  /** Decides each named device that exists, in one transaction. */
  change(
    deviceKeys: readonly string[],
    decide: (current: StoredDevice) => FleetChange | undefined,
  ): Promise<FleetProgress>;
  /** Counts all devices. `seenLastHour` and `seenLastDay` begin at these times, in Unix milliseconds. */
  countAll(hourAgo: number, dayAgo: number): Promise<FleetCounts>;
}

/** The most devices of one call, which takes a fraction of a second. */
const MOST_CHANGED = 1_000;
/** Devices that one step counts. */
const COUNTED_AT_ONCE = 2_000;
/** Steps of one count. */
const MOST_STEPS = 25;
const SHORTEST_TTL_MS = 2_000;
/** A count is cached for this many times its duration. */
const TTL_FACTOR = 40;

/** `now` in Unix milliseconds. */
export function createFleet(fleet: FleetStore, now: () => number): Fleet {
  let summary: Promise<FleetSummary> | undefined;
  let expiresAt = 0;

  async function countAll(): Promise<FleetSummary> {
    const countedAt = now();
    try {
      return { ...(await fleet.countAll(countedAt - 3_600_000, countedAt - 86_400_000)), countedAt };
    } finally {
      expiresAt = now() + Math.max(SHORTEST_TTL_MS, TTL_FACTOR * (now() - countedAt));
    }
  }

  return {
    async count(filter, pageToken) {
      const { after, conditions } = readPageQuery(DEVICE_KIND.fields, { pageSize: 0, pageToken, filter }, now());
      let [count, next]: [number, string | undefined] = [0, after];
      for (let step = 0; step < MOST_STEPS && next !== undefined; step++) {
        const names = await fleet.findNames({ after: next, conditions, size: COUNTED_AT_ONCE });
        count += names.items.length;
        next = names.next;
      }
      return { count, nextPageToken: writePageToken(next) };
    },

    async change(request, actor) {
      const { filter, pageToken, deviceKeys } = request;
      if (request.action === "label" && Object.keys(readLabels(request.labels)).length === 0) {
        throw malformed("labels is missing. Name the labels to set", "labels");
      }
      const change = (names: readonly string[]): Promise<FleetProgress> =>
        fleet.change(names, (current) => decide(current, request, { actor, at: now() }));
      if (deviceKeys.length > 0) return { ...(await change(readDeviceKeys(request))), nextPageToken: "" };
      if (filter.trim() === "") {
        const cure = "To change every device write device_key != and two double quotes";
        throw malformed(`filter is missing. ${cure}`, "filter");
      }
      const query = readPageQuery(DEVICE_KIND.fields, { pageSize: MOST_CHANGED, pageToken, filter }, now());
      const { items, next } = await fleet.findNames(query);
      return { ...(await change(items)), nextPageToken: writePageToken(next) };
    },

    summarize() {
      if (summary !== undefined && now() < expiresAt) return summary;
      // Callers during a count share its result.
      expiresAt = Number.POSITIVE_INFINITY;
      summary = countAll();
      return summary;
    },
  };
}

/** @throws AuthError `malformed` */
function readDeviceKeys({ deviceKeys, filter, pageToken }: FleetRequest): readonly string[] {
  if (filter !== "" || pageToken !== "") throw malformed("filter and device_keys exclude each other", "filter");
  if (deviceKeys.length > MOST_CHANGED) {
    throw malformed(`device_keys has ${deviceKeys.length} entries. Send at most ${MOST_CHANGED}`, "device_keys");
  }
  return [...new Set(deviceKeys.map(readDeviceKey))];
}

/** Decides the change of one device, by the rules of a call for one device; undefined if nothing changes. */
function decide(
  current: StoredDevice,
  { action, labels }: Pick<FleetRequest, "action" | "labels">,
  stamp: Stamp,
): FleetChange | undefined {
  if (action === "delete") return { next: undefined, entry: describeDeletion(DEVICE_KIND, current, stamp) };
  if (action === "revoke_tokens") return decideRevocation(DEVICE_KIND, current, stamp);
  if (action === "label") return decideUpdate(DEVICE_KIND, current, { labels: addLabels(current, labels) }, stamp);
  return decideUpdate(DEVICE_KIND, current, { status: action === "enable" ? "enabled" : "disabled" }, stamp);
}

/** Merges `labels` into the labels of a device; an empty value removes a label. @throws AuthError `malformed` */
function addLabels(current: StoredDevice, labels: Labels): Labels {
  const merged = Object.entries({ ...current.labels, ...labels }).filter(([, value]) => value !== "");
  if (merged.length <= MOST_LABELS) return readLabels(Object.fromEntries(merged));
  const message = `the device ${current.deviceKey} would have ${merged.length} labels. It may have at most ${MOST_LABELS}`;
  throw malformed(message, "labels");
}
