// A device's login limit as it stands.

import { loginCharge } from "./charges.ts";
import { readDeviceKey } from "./device-key.ts";
import type { CredentialStore, Limiter, Policy } from "./ports.ts";
import { doesNotExist } from "./registry/names.ts";

export interface DeviceLimit {
  /** Undefined: off. */
  readonly policy: Policy | undefined;
  readonly remaining: number;
  /** When the next slot is freed, in unix milliseconds; undefined: none is taken. */
  readonly resetAt: number | undefined;
  /** It is counted per address. */
  readonly perAddress: boolean;
}

/** Reads the limit of a device, of a shared one at an address. @throws AuthError `malformed`, `does_not_exist`, `unavailable` */
export type ReadDeviceLimit = (deviceKey: string, address: string) => Promise<DeviceLimit>;

export interface DeviceLimitDependencies {
  readonly credentials: Pick<CredentialStore, "find">;
  readonly limiter: Pick<Limiter, "charge">;
  /** The gateway's own; undefined: off. */
  readonly login: Policy | undefined;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Denies always: the login beside it is not charged. */
const NONE: Policy = { name: "replay", limit: 0, windowMs: 1 };

export function createReadDeviceLimit({ credentials, limiter, login, now }: DeviceLimitDependencies): ReadDeviceLimit {
  return async (deviceKey, address) => {
    const at = now();
    const credential = await credentials.find(readDeviceKey(deviceKey), at);
    if (!credential.enrolled) throw doesNotExist("device");
    const { sharedIdentity: perAddress } = credential;
    const [charge] = loginCharge(credential, address, login);
    const look = charge && (await limiter.charge([charge, { policy: NONE, key: charge.key }], at));
    // Without Redis, `allow` admits without a limit.
    const [state] = look?.states ?? [];
    if (state === undefined) return { policy: undefined, remaining: 0, resetAt: undefined, perAddress };
    const { policy, remaining, resetMs } = state;
    // Redis counts in microseconds. A time with a part of a millisecond cannot be encoded.
    return { policy, remaining, resetAt: resetMs > 0 ? Math.ceil(at + resetMs) : undefined, perAddress };
  };
}
