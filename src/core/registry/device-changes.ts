// Changes of a device by an operator, and their audit entries.

import { randomBytes } from "node:crypto";
import { readPublicKey } from "../assertion.ts";
import { readCustomerId, readDisplayName, readEnrolledDeviceKey, readLabels } from "./names.ts";
import type { Actor, AuditDetails, AuditEntry, AuditedResource, Change, Device, KeyMode, Status } from "./ports.ts";
import { changedDetails } from "./resources.ts";
import { markRevocation } from "./revocation.ts";

/** Changes to a device. An absent or undefined field is unchanged; in a new device it gets its default. */
export interface DevicePatch {
  readonly displayName?: string | undefined;
  readonly status?: Status | undefined;
  readonly keyMode?: KeyMode | undefined;
  readonly sharedIdentity?: boolean | undefined;
  /** Default: on for derived keys, off for shared ones, since boards with one key may log in within the same second. */
  readonly replayGuard?: boolean | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** PEM, or the base64 in it; empty: none. */
  readonly publicKey?: string | undefined;
  /** Ends its move to a key of its own: the shared key no longer proves its logins. */
  readonly finishMove?: true | undefined;
}

export interface DeviceDraft extends DevicePatch {
  readonly customerId: string;
  /** Empty: the gateway makes one. */
  readonly deviceKey: string;
}

/** Creates the device of a draft, enrolled at `at`, in unix milliseconds. @throws AuthError `malformed` */
export function enrolDevice({ deviceKey, customerId, ...patch }: DeviceDraft, at: number): Device {
  const name = deviceKey === "" ? randomBytes(12).toString("hex") : readEnrolledDeviceKey(deviceKey);
  return newDevice(name, readCustomerId(customerId), readPatch(patch), at);
}

/** Creates a device from checked names and a checked patch; `at` in unix milliseconds. */
export function newDevice(deviceKey: string, customerId: string, patch: DevicePatch, at: number): Device {
  const { keyMode = "shared" } = patch;
  return {
    deviceKey,
    customerId,
    displayName: patch.displayName ?? "",
    status: patch.status ?? "enabled",
    keyMode,
    keyModeSince: at,
    sharedIdentity: patch.sharedIdentity ?? false,
    replayGuard: patch.replayGuard ?? keyMode === "derived",
    labels: patch.labels ?? {},
    publicKey: patch.publicKey ?? "",
    acceptsShared: false,
    tokensNotBefore: 0,
  };
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

/**
 * Applies a checked patch; `at` in unix milliseconds. During a move from a shared key to its own a device may sign with either.
 * The replay guard follows key_mode unless the patch sets it: a derived key belongs to one board.
 */
export function applyPatch<Current extends Device>(current: Current, patch: DevicePatch, at: number): Current {
  const { keyMode = current.keyMode, status = current.status } = patch;
  const isDerived = keyMode === "derived";
  const moves = keyMode !== current.keyMode;
  const ends = status === "disabled" && current.status === "enabled";
  return {
    ...current,
    displayName: patch.displayName ?? current.displayName,
    status,
    // Disabling revokes the tokens for good: they stay revoked when the device is enabled again.
    tokensNotBefore: ends ? markRevocation(current.tokensNotBefore, at) : current.tokensNotBefore,
    keyMode,
    keyModeSince: moves ? at : current.keyModeSince,
    sharedIdentity: patch.sharedIdentity ?? current.sharedIdentity,
    replayGuard: patch.replayGuard ?? (moves ? isDerived : current.replayGuard),
    labels: patch.labels ?? current.labels,
    publicKey: patch.publicKey ?? current.publicKey,
    acceptsShared: moves ? isDerived : current.acceptsShared && patch.finishMove === undefined,
  };
}

/** Decides an update by a checked patch; undefined where nothing differs. */
export function decideUpdate(
  current: Device,
  patch: DevicePatch,
  actor: Actor,
  at: number,
): Change<Device> | undefined {
  const next = applyPatch(current, patch, at);
  const details = changedDetails(deviceDetails(current), deviceDetails(next));
  return details && { next, entry: { actor, at, action: "UpdateDevice", ...resourceOf(current), details } };
}

/** Revokes the tokens that a device has. */
export function decideRevocation(current: Device, actor: Actor, at: number): Change<Device> {
  const tokensNotBefore = markRevocation(current.tokensNotBefore, at);
  const details = { tokens_not_before: new Date(tokensNotBefore).toISOString() };
  const entry = { actor, at, action: "RevokeDeviceTokens", ...resourceOf(current), details };
  return { next: { ...current, tokensNotBefore }, entry };
}

export function describeDeletion(current: Device, actor: Actor, at: number): AuditEntry {
  return { actor, at, action: "DeleteDevice", ...resourceOf(current), details: {} };
}

export function resourceOf({ deviceKey, customerId }: Device): AuditedResource {
  return { resource: `devices/${deviceKey}`, customerId };
}

/** The fields of a device that the audit log shows. */
export function deviceDetails(device: Device): AuditDetails {
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
