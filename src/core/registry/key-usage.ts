// A customer key's state, and how many devices use it: how far a rotation is.

import type { KeyPurpose } from "../ports.ts";
import type { KeyUsage, StoredCustomerKey } from "./ports.ts";

export type KeyState = "pending" | "live" | "expired" | "retired";

/** A key's state at `now`, in unix milliseconds. */
export function stateOf({ notBefore, expiresAt, retiredAt }: StoredCustomerKey, now: number): KeyState {
  if (retiredAt !== undefined) return "retired";
  if (expiresAt !== undefined && expiresAt <= now) return "expired";
  return notBefore > now ? "pending" : "live";
}

export interface UsedKey {
  readonly keyId: string;
  readonly purpose: KeyPurpose;
  readonly state: KeyState;
  /** Devices whose last login it proved. */
  readonly devices: number;
  readonly lastUseAt: number | undefined;
}

export interface KeyProgress {
  /** Every key that a device uses, or that is live. */
  readonly keys: readonly UsedKey[];
  readonly silentDevices: number;
}

/** The progress at `now`, in unix milliseconds, over all keys of a customer. */
export function progressOf(keys: readonly StoredCustomerKey[], usage: KeyUsage, now: number): KeyProgress {
  const all = keys.map((key) => {
    const { devices, lastUseAt } = usage.keys.get(key.keyId) ?? { devices: 0, lastUseAt: undefined };
    return { keyId: key.keyId, purpose: key.purpose, state: stateOf(key, now), devices, lastUseAt };
  });
  return {
    keys: all.filter(({ devices, state }) => devices > 0 || state === "live"),
    silentDevices: usage.silentDevices,
  };
}

/** The effect of retiring a key. */
export interface Stop {
  /** Devices whose last login it proved, if it is live: they stop unless they have another key. */
  readonly stoppedDevices: number;
  readonly silentDevices: number;
  /** Live keys of its purpose; with none, every device that needs one stops. */
  readonly otherLiveKeys: number;
}

export function stopOf(key: StoredCustomerKey, keys: readonly StoredCustomerKey[], usage: KeyUsage, now: number): Stop {
  const isOther = ({ keyId, purpose }: StoredCustomerKey): boolean => purpose === key.purpose && keyId !== key.keyId;
  return {
    stoppedDevices: stateOf(key, now) === "live" ? (usage.keys.get(key.keyId)?.devices ?? 0) : 0,
    silentDevices: usage.silentDevices,
    otherLiveKeys: keys.filter((other) => isOther(other) && stateOf(other, now) === "live").length,
  };
}
