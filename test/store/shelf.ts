// A source of devices and keys that records what it was asked, and a cache in front of it. Knows no test.

import type { Credential, KeyPurpose, Lookup } from "../../src/core/ports.ts";
import { secretFromText } from "../../src/core/signature.ts";
import { type CredentialCache, createCredentialCache } from "../../src/store/cache.ts";
import type { CredentialSource, DeviceRecord, LoginKeys, LoginSecret } from "../../src/store/credentials.ts";

export const NOW = 1_764_000_000_000;
const NEVER = Number.POSITIVE_INFINITY;

export const RECORD: DeviceRecord = {
  enrolled: true,
  customerId: "acme",
  enabled: true,
  sharedIdentity: false,
  replayGuard: false,
  loginLimit: undefined,
  keyMode: "shared",
  movingSince: undefined,
  marks: { customerId: "acme", createdAt: 0, device: 0, customer: 0 },
};

export function secretNamed(keyId: string, draft: Partial<LoginSecret> = {}): LoginSecret {
  return {
    keyId,
    purpose: "login",
    secret: secretFromText(`secret of ${keyId}`),
    notBefore: 0,
    expiresAt: NEVER,
    ...draft,
  };
}

/** A source that records what it was asked, and answers when it is let. */
class Shelf implements CredentialSource {
  readonly asked: string[] = [];
  readonly devices = new Map<string, DeviceRecord>([["a", RECORD]]);
  readonly keys = new Map<string, readonly LoginSecret[]>([["acme", [secretNamed("k1")]]]);
  readonly faults = new Map<KeyPurpose, unknown>();
  /** Answers wait for this. */
  gate: Promise<unknown> = Promise.resolve();

  async findDevice(deviceKey: string): Promise<DeviceRecord> {
    this.asked.push(deviceKey);
    const record = this.devices.get(deviceKey) ?? { ...RECORD, enrolled: false, customerId: "nobody's" };
    await this.gate;
    return record;
  }

  async findKeys(customerId: string): Promise<LoginKeys> {
    this.asked.push(`keys of ${customerId}`);
    const secrets = this.keys.get(customerId) ?? [secretNamed("decoy")];
    const faults = new Map(this.faults);
    await this.gate;
    return { secrets, faults };
  }

  async settle(deviceKey: string, purpose: KeyPurpose): Promise<boolean> {
    this.asked.push(`${deviceKey} settles by ${purpose}`);
    return purpose === "derivation";
  }
}

interface Opened {
  readonly shelf: Shelf;
  readonly cache: CredentialCache;
  readonly sure: { value: boolean };
  /** What was asked since the last time. */
  asked(): readonly string[];
}

/** `isRecent`: every device is kept that is asked for, unless it says otherwise. */
export function openCache(capacity = 10, isRecent: (deviceKey: string) => boolean = () => true): Opened {
  const shelf = new Shelf();
  const sure = { value: true };
  const cache = createCredentialCache(shelf, { capacity, ttlMs: 2_000, isSure: () => sure.value, isRecent });
  return { shelf, cache, sure, asked: () => shelf.asked.splice(0) };
}

export async function idsOf(lookup: Promise<Lookup> | Lookup): Promise<readonly string[]> {
  return (await lookup).credential.keys.map(({ keyId }) => keyId);
}

export async function credentialOf(lookup: Promise<Lookup>): Promise<Credential> {
  return (await lookup).credential;
}
