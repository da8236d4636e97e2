// Changes of a device by an operator.

import { randomBytes } from "node:crypto";
import { markRevocation } from "../ids.ts";
import { readPublicKey } from "../public-key.ts";
import type { Details } from "./audit.ts";
import { readCustomerId, readDisplayName, readEnrolledDeviceKey, readLabels } from "./names.ts";
import type { Device, KeyMode, Status } from "./ports.ts";

/** Changes to a device; an absent or undefined field stays, or has its default. */
export interface DevicePatch {
  readonly displayName?: string | undefined;
  readonly status?: Status | undefined;
  readonly keyMode?: KeyMode | undefined;
  readonly sharedIdentity?: boolean | undefined;
  /** Default: on for derived keys, off for shared ones, with which many boards sign in the same second. */
  readonly replayGuard?: boolean | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** PEM, or the base64 in it; empty: none. */
  readonly publicKey?: string | undefined;
  /** Ends its move to a key of its own: the shared key proves no login any more. */
  readonly finishMove?: true | undefined;
}

export interface DeviceDraft extends DevicePatch {
  readonly customerId: string;
  /** Empty: the gateway makes one. */
  readonly deviceKey: string;
}

/** Creates the device of a draft, enrolled at `at`, in Unix milliseconds. @throws AuthError `malformed` */
export function enrolled({ deviceKey, customerId, ...patch }: DeviceDraft, at: number): Device {
  const name = deviceKey === "" ? randomBytes(12).toString("hex") : readEnrolledDeviceKey(deviceKey);
  return newDevice(name, readCustomerId(customerId), readPatch(patch), at);
}

/** Creates a device from checked names and a checked patch; `at` is in Unix milliseconds. */
export function newDevice(deviceKey: string, customerId: string, patch: DevicePatch, at: number): Device {
  const {
    displayName = "",
    status = "enabled",
    keyMode = "shared",
    sharedIdentity = false,
    labels = {},
    publicKey = "",
  } = patch;
  const replayGuard = patch.replayGuard ?? keyMode === "derived";
  const known = { deviceKey, customerId, displayName, status, keyMode, sharedIdentity, replayGuard, labels, publicKey };
  return { ...known, keyModeSince: at, acceptsShared: false, tokensNotBefore: 0 };
}

/** Checks and normalises a patch. @throws AuthError `malformed` */
export function readPatch(patch: DevicePatch): DevicePatch {
  const { displayName, labels, publicKey } = patch;
  return {
    ...patch,
    displayName: displayName === undefined ? undefined : readDisplayName(displayName),
    labels: labels === undefined ? undefined : readLabels(labels),
    publicKey: publicKey === undefined ? undefined : readPublicKey(publicKey),
  };
}

/** Applies a patch to a device; `at` is in Unix milliseconds. */
export function patched<Current extends Device>(current: Current, patch: DevicePatch, at: number): Current {
  const { displayName, status, sharedIdentity, labels, publicKey } = patch;
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
    publicKey: publicKey ?? current.publicKey,
    ...moveKeyMode(current, patch, at),
  };
}

/**
 * Changes key_mode. A device that moves from a shared key to its own signs with either until the move is finished. The replay guard
 * follows the keys unless the patch sets it: a derived key is one board's.
 */
function moveKeyMode(
  current: Device,
  { keyMode = current.keyMode, replayGuard, finishMove }: DevicePatch,
  at: number,
): Pick<Device, "keyMode" | "keyModeSince" | "replayGuard" | "acceptsShared"> {
  const moves = keyMode !== current.keyMode;
  const derived = keyMode === "derived";
  return {
    keyMode,
    keyModeSince: moves ? at : current.keyModeSince,
    replayGuard: replayGuard ?? (moves ? derived : current.replayGuard),
    acceptsShared: moves ? derived : current.acceptsShared && finishMove === undefined,
  };
}

/** The fields of a device that the audit log shows. */
export function deviceDetails(device: Device): Details {
  return {
    display_name: device.displayName,
    status: device.status,
    key_mode: device.keyMode,
    shared_identity: device.sharedIdentity,
    replay_guard: device.replayGuard,
    accepts_shared_key: device.acceptsShared,
    labels: JSON.stringify(device.labels),
    public_key: device.publicKey,
  };
}
