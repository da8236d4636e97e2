// What a device becomes by an operator's wish. Knows no store.

import { randomUUID } from "node:crypto";
import { KEY_MODE_HOLD_MS } from "../ports.ts";
import type { Details } from "./changes.ts";
import { readLabels } from "./labels.ts";
import { readCustomerId, readDisplayName, readEnrolledDeviceKey } from "./names.ts";
import type { Device, KeyMode, Status } from "./ports.ts";
import { movedTooSoon } from "./refusals.ts";
import { markRevocation } from "./revocation-mark.ts";

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

/** The device that a draft asks for at `at`, in unix milliseconds. @throws AuthError `malformed` */
export function enrolled({ deviceKey, customerId, ...patch }: DeviceDraft, at: number): Device {
  const name = deviceKey === "" ? randomUUID() : readEnrolledDeviceKey(deviceKey);
  return newDevice(name, readCustomerId(customerId), readPatch(patch), at);
}

/** A device that is new at `at`, in unix milliseconds, of names and a patch that were read. */
export function newDevice(deviceKey: string, customerId: string, patch: DevicePatch, at: number): Device {
  const { displayName = "", status = "enabled", keyMode = "shared", sharedIdentity = false, labels = {} } = patch;
  const replayGuard = patch.replayGuard ?? keyMode === "derived";
  const known = { deviceKey, customerId, displayName, status, keyMode, sharedIdentity, replayGuard, labels };
  return { ...known, keyModeSince: at, acceptsShared: false, tokensNotBefore: 0 };
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
    // A device that is let in again gets tokens anew.
    tokensNotBefore:
      status === "disabled" && current.status === "enabled"
        ? markRevocation(current.tokensNotBefore, at)
        : current.tokensNotBefore,
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
  // A gateway that still knows the device, or a former one of its name, as derived from before would answer a login by its own
  // key and not note it: a shared key would go on counting.
  if (moves && derived && isHeld(current, at)) throw movedTooSoon(KEY_MODE_HOLD_MS);
  return {
    keyMode,
    keyModeSince: moves ? at : current.keyModeSince,
    replayGuard: replayGuard ?? (moves ? derived : current.replayGuard),
    acceptsShared: moves ? derived : current.acceptsShared,
  };
}

/** A key_mode that was set in the future was set by a clock's mistake, and is held by nothing. */
function isHeld({ keyModeSince }: Device, at: number): boolean {
  return keyModeSince <= at && at < keyModeSince + KEY_MODE_HOLD_MS;
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
