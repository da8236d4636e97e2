// How far a rotation of customer keys is, and what retiring one would stop.

import type { KeyPurpose } from "../ports.ts";
import { type KeyState, stateOf } from "./key-state.ts";
import type { KeyUsage, StoredCustomerKey, Tally } from "./ports.ts";

export interface UsedKey {
  readonly keyId: string;
  readonly purpose: KeyPurpose;
  readonly state: KeyState;
  readonly devices: number;
  readonly firstUseAt: number | undefined;
  readonly lastUseAt: number | undefined;
}

/** How far a rotation is. */
export interface KeyProgress {
  /** Every key that a device uses, or that is live. */
  readonly keys: readonly UsedKey[];
  readonly silentDevices: number;
}

/** The devices that retiring a key stops. */
export interface Stop {
  readonly stoppedDevices: number;
  readonly silentDevices: number;
  readonly otherLiveKeys: number;
}

/** The progress at `now`, in unix milliseconds, over all keys of a customer. */
export function progressOf(keys: readonly StoredCustomerKey[], usage: KeyUsage, now: number): KeyProgress {
  return {
    keys: keys.flatMap((key) => {
      const used = usage.keys.get(key.keyId);
      const state = stateOf(key, now);
      if (used === undefined && state !== "live") return [];
      const { keyId, purpose } = key;
      const devices = used === undefined ? 0 : total(used.devices);
      return [{ keyId, purpose, state, devices, firstUseAt: used?.firstUseAt, lastUseAt: used?.lastUseAt }];
    }),
    silentDevices: total(usage.silent),
  };
}

function total({ shared, moving, derived }: Tally): number {
  return shared + moving + derived;
}

/**
 * The devices that retiring a key stops: those whose last login it proved and that still sign so; all that need one of its
 * purpose where no other is live. A key that proves nothing stops nothing.
 */
export function stopOf(key: StoredCustomerKey, keys: readonly StoredCustomerKey[], usage: KeyUsage, now: number): Stop {
  const live = keys.filter((candidate) => stateOf(candidate, now) === "live");
  const others = live.filter(({ keyId, purpose }) => purpose === key.purpose && keyId !== key.keyId).length;
  const state = stateOf(key, now);
  const used = usage.keys.get(key.keyId);
  return {
    stoppedDevices: state !== "live" ? 0 : others > 0 ? using() : needing(key.purpose, live, usage) + sharedByMoving(),
    silentDevices: state === "live" || state === "pending" ? possible(usage.silent, key.purpose) : 0,
    otherLiveKeys: others,
  };

  /** One that has moved since to keys of the other purpose does not need it. */
  function using(): number {
    return used === undefined ? 0 : possible(used.devices, key.purpose);
  }

  /** A moving device that still signs with this key, the last of its purpose, stops; one that has its own does not. */
  function sharedByMoving(): number {
    return key.purpose === "login" ? (used?.devices.moving ?? 0) : 0;
  }
}

/** Devices that sign with the keys of a purpose and nothing else. */
function needing(purpose: KeyPurpose, live: readonly StoredCustomerKey[], { devices, keys }: KeyUsage): number {
  if (purpose === "login") return devices.shared;
  const stillShared = live
    .filter((key) => key.purpose === "login")
    .reduce((sum, { keyId }) => sum + (keys.get(keyId)?.devices.moving ?? 0), 0);
  return devices.derived + devices.moving - stillShared;
}

function possible({ shared, moving, derived }: Tally, purpose: KeyPurpose): number {
  return moving + (purpose === "login" ? shared : derived);
}
