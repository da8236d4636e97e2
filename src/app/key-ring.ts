// Wires the key ring, which reads and rotates its keys each second.

import type { Config } from "../config.ts";
import { createDeadline } from "../core/deadline.ts";
import { type KeyRing, openKeyRing } from "../core/tokens/keyring.ts";
import type { SigningKeyStore } from "../core/tokens/ports.ts";
import { PUBLISH_MS, type RingRules } from "../core/tokens/rotation.ts";
import { createSigningKeys, type SigningKeys } from "../core/tokens/signing-keys.ts";
import { storeUnavailable } from "../store/outage.ts";
import { monotonicNow, repeatEvery } from "../telemetry/clock.ts";

/** Times of the ring, in milliseconds. Tests shorten them. */
export interface RingTimes extends Pick<RingRules, "publishMs" | "rotateEveryMs"> {
  /** Interval of the readings. */
  readonly lookMs: number;
}

export interface OpenRingOptions {
  readonly store: SigningKeyStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly onFault: (error: unknown) => void;
  /** In place of those of the settings. */
  readonly times: Partial<RingTimes>;
}

const LOOK_MS = 1_000;
/** How long a login waits for a database that does not answer, in milliseconds. */
const READ_MS = 2_000;

/** Opens the ring and keeps it up, until `cleanup`. @throws as openKeyRing */
export async function openRing(
  config: Config,
  { store, now, onFault, times }: OpenRingOptions,
  cleanup: AsyncDisposableStack,
): Promise<{ readonly ring: KeyRing; readonly signingKeys: SigningKeys }> {
  const { lookMs = LOOK_MS, ...given } = times;
  const rules: RingRules = {
    alg: config.tokenAlg,
    publishMs: PUBLISH_MS,
    rotateEveryMs: config.keyRotation,
    ...given,
  };
  const ring = await openKeyRing({
    rules,
    store,
    now,
    elapsed: monotonicNow,
    onFault,
    within: createDeadline({ ms: READ_MS, expire: () => storeUnavailable("does not answer in time") }),
  });
  cleanup.defer(repeatEvery(lookMs, ring.keepUp, onFault));
  return { ring, signingKeys: createSigningKeys({ store, ring, rules, now }) };
}
