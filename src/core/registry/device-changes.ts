// What a device becomes by an operator's wish. Knows no store.

import { randomUUID } from "node:crypto";
import type { Details } from "./changes.ts";
import { readLabels } from "./labels.ts";
import { readCustomerId, readDisplayName, readEnrolledDeviceKey } from "./names.ts";
import type { Device, KeyMode, Status } from "./ports.ts";

export interface DeviceDraft {
  readonly customerId: string;
  /** Empty: the gateway makes one. */
  readonly deviceKey: string;
  readonly displayName: string;
  readonly status: Status;
  readonly keyMode: KeyMode;
  readonly sharedIdentity: boolean;
  /** Undefined: on for derived keys, off for shared ones, which many boards sign with in the same second. */
  readonly replayGuard: boolean | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** What is to change; what is absent stays. */
export interface DevicePatch {
  readonly displayName?: string;
  readonly status?: Status;
  readonly keyMode?: KeyMode;
  readonly sharedIdentity?: boolean;
  readonly replayGuard?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The device that a draft asks for. @throws AuthError `malformed` */
export function enrolled(draft: DeviceDraft): Device {
  return {
    deviceKey: draft.deviceKey === "" ? randomUUID() : readEnrolledDeviceKey(draft.deviceKey),
    customerId: readCustomerId(draft.customerId),
    displayName: readDisplayName(draft.displayName),
    status: draft.status,
    keyMode: draft.keyMode,
    sharedIdentity: draft.sharedIdentity,
    replayGuard: draft.replayGuard ?? draft.keyMode === "derived",
    labels: readLabels(draft.labels),
    acceptsShared: false,
    tokensNotBefore: 0,
  };
}

/** A patch that is fit to be applied. @throws AuthError `malformed` */
export function readPatch(patch: DevicePatch): DevicePatch {
  return {
    ...patch,
    ...(patch.displayName !== undefined && { displayName: readDisplayName(patch.displayName) }),
    ...(patch.labels !== undefined && { labels: readLabels(patch.labels) }),
  };
}

/** The device that a patch makes of another. */
export function patched<Current extends Device>(current: Current, patch: DevicePatch): Current {
  return { ...current, ...patch, ...moveKeyMode(current, patch.keyMode ?? current.keyMode, patch.replayGuard) };
}

/**
 * What a change of key_mode brings with it. One that is moved from shared to derived keys signs with either until it has
 * been seen to log in with its own. The replay guard, unless it is said, goes with the keys: a derived key is one board's.
 */
export function moveKeyMode(
  current: Device,
  keyMode: KeyMode,
  replayGuard: boolean | undefined,
): Pick<Device, "keyMode" | "replayGuard" | "acceptsShared"> {
  const moves = keyMode !== current.keyMode;
  const derived = keyMode === "derived";
  return {
    keyMode,
    replayGuard: replayGuard ?? (moves ? derived : current.replayGuard),
    acceptsShared: moves ? derived : current.acceptsShared,
  };
}

/** What the audit log tells of a device. */
export function deviceDetails(device: Device): Details {
  return {
    display_name: device.displayName,
    status: device.status,
    key_mode: device.keyMode,
    shared_identity: device.sharedIdentity,
    replay_guard: device.replayGuard,
    accepts_shared_key: device.acceptsShared,
    labels: JSON.stringify(device.labels),
  };
}
