// What a device becomes by an operator's wish. Knows no store.

import { randomUUID } from "node:crypto";
import type { Details } from "./changes.ts";
import { readLabels } from "./labels.ts";
import { readCustomerId, readDisplayName, readEnrolledDeviceKey } from "./names.ts";
import { type Device, type KeyMode, SEEN_MS, type Status } from "./ports.ts";
import { movedTooSoon } from "./refusals.ts";

/** What is said of a device; what is absent or undefined stays, or is as usual. */
export interface DevicePatch {
  readonly displayName?: string | undefined;
  readonly status?: Status | undefined;
  readonly keyMode?: KeyMode | undefined;
  readonly sharedIdentity?: boolean | undefined;
  /** Unless it is said: on for derived keys, off for shared ones, which many boards sign with in the same second. */
  readonly replayGuard?: boolean | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface DeviceDraft extends DevicePatch {
  readonly customerId: string;
  /** Empty: the gateway makes one. */
  readonly deviceKey: string;
}

/** The device that a draft asks for. @throws AuthError `malformed` */
export function enrolled({ deviceKey, customerId, ...patch }: DeviceDraft): Device {
  const name = deviceKey === "" ? randomUUID() : readEnrolledDeviceKey(deviceKey);
  return newDevice(name, readCustomerId(customerId), readPatch(patch));
}

/** A new device, of names and a patch that were read. */
export function newDevice(deviceKey: string, customerId: string, patch: DevicePatch): Device {
  const { displayName = "", status = "enabled", keyMode = "shared", sharedIdentity = false, labels = {} } = patch;
  const replayGuard = patch.replayGuard ?? keyMode === "derived";
  const known = { deviceKey, customerId, displayName, status, keyMode, sharedIdentity, replayGuard, labels };
  return { ...known, keyModeSince: 0, acceptsShared: false, tokensNotBefore: 0 };
}

/** A patch that is fit to be applied. @throws AuthError `malformed` */
export function readPatch(patch: DevicePatch): DevicePatch {
  const { displayName, labels } = patch;
  return {
    ...patch,
    displayName: displayName === undefined ? undefined : readDisplayName(displayName),
    labels: labels === undefined ? undefined : readLabels(labels),
  };
}

/** The device that a patch makes of another at `at`, in unix milliseconds. @throws AuthError `unavailable` for a move too soon */
export function patched<Current extends Device>(current: Current, patch: DevicePatch, at: number): Current {
  const { displayName, status, sharedIdentity, labels } = patch;
  return {
    ...current,
    displayName: displayName ?? current.displayName,
    status: status ?? current.status,
    sharedIdentity: sharedIdentity ?? current.sharedIdentity,
    labels: labels ?? current.labels,
    ...moveKeyMode(current, patch.keyMode ?? current.keyMode, patch.replayGuard, at),
  };
}

/**
 * What a change of key_mode brings with it. One that is moved from shared to derived keys signs with either until it has
 * been seen to log in with its own. The replay guard, unless it is said, goes with the keys: a derived key is one board's.
 */
function moveKeyMode(
  current: Device,
  keyMode: KeyMode,
  replayGuard: boolean | undefined,
  at: number,
): Pick<Device, "keyMode" | "keyModeSince" | "replayGuard" | "acceptsShared"> {
  const moves = keyMode !== current.keyMode;
  const derived = keyMode === "derived";
  // A gateway that still knows the device as derived from before would answer a login by its own key and not note it: a
  // shared key would go on counting elsewhere.
  if (moves && derived && at - current.keyModeSince < SEEN_MS) throw movedTooSoon(SEEN_MS);
  return {
    keyMode,
    keyModeSince: moves ? at : current.keyModeSince,
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
