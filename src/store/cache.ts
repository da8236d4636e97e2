// What logins ask for, kept in bounded memory for as long as it may be: devices, and the keys of customers. Knows no database.

import { type Credential, type CredentialStore, type Lookup, MAX_LIVE_KEYS } from "../core/ports.ts";
import { shareByName } from "../core/shared-call.ts";
import type { Subject } from "./changes.ts";
import { compose, derivedKeys, haveSameIds, isSameDevice } from "./composed-credential.ts";
import type { CredentialSource, DeviceRecord, LoginKeys } from "./credentials.ts";
import { createKept } from "./kept.ts";

export interface CacheOptions {
  /** As many devices are kept; of customers, their keys are. Names that are nobody's are not kept: guesses evict nothing. */
  readonly capacity: number;
  /** How long an entry is kept, in milliseconds: no bound on what is noticed, but on what nobody asks for. */
  readonly ttlMs: number;
  /** Whether all that was changed anywhere until a second ago has been told to `forget`; else nothing that is kept counts. */
  readonly isSure: () => boolean;
  /** Notes that a device was asked for. @returns whether it was lately: one that comes the first time is not kept, since most come no more */
  readonly isRecent: (deviceKey: string) => boolean;
}

export interface CredentialCache extends CredentialStore {
  /** Forgets what these changes are of. */
  forget(subjects: readonly Subject[]): void;
  clear(): void;
}

/** A device with the keys that it was put together with. */
interface Known {
  readonly record: DeviceRecord;
  readonly keys: LoginKeys;
  readonly credential: Credential;
}

/** What a look-up has found, and what it has asked the source for. */
interface Found {
  readonly known: Known;
  readonly askedDevice: boolean;
  readonly askedKeys: boolean;
}

/** Keeps what a source finds; look-ups of one name at once are made once. */
export function createCredentialCache(source: CredentialSource, options: CacheOptions): CredentialCache {
  const { isSure, isRecent } = options;
  const devices = createKept<Known>(options);
  /** Devices that were asked for without their keys: those whose tokens are checked here, and that log in elsewhere. */
  const standings = createKept<DeviceRecord>(options);
  const customers = createKept<LoginKeys>(options);
  const devicesAsked = new Map<string, Promise<DeviceRecord>>();
  const customersAsked = new Map<string, Promise<LoginKeys>>();

  /** Raised by every change: what was asked for before one is not kept. */
  let changes = 0;

  /** One call for all who ask at once; but what began before a change that was not heard of is no answer to who asks after. */
  function askOnce<Value>(
    calls: Map<string, Promise<Value>>,
    name: string,
    call: () => Promise<Value>,
  ): Promise<Value> {
    return isSure() ? shareByName(calls, name, call) : call();
  }

  function askDevice(deviceKey: string, now: number): Promise<DeviceRecord> {
    return askOnce(devicesAsked, deviceKey, () => source.findDevice(deviceKey, now));
  }

  async function askKeys(customerId: string, now: number): Promise<LoginKeys> {
    const began = changes;
    const found = await askOnce(customersAsked, customerId, () => source.findKeys(customerId, now));
    const before = customers.peek(customerId);
    // The same list where it is the same: devices are put together with it.
    const keys = before !== undefined && haveSameIds(before, found) ? before : found;
    // What does not open may be mended behind the gateway's back.
    if (began === changes && keys.faults.size === 0) customers.set(customerId, keys, now);
    return keys;
  }

  async function find(requested: string, now: number): Promise<Lookup> {
    const sure = isSure();
    const remembered = sure ? devices.fresh(requested, now) : undefined;
    if (remembered !== undefined) {
      const keys = customers.fresh(remembered.record.customerId, now);
      if (keys === remembered.keys)
        return lookup({ known: turned(remembered, now), askedDevice: false, askedKeys: false });
    }
    const began = changes;
    const found = await load(requested, now, sure);
    const { record, credential } = found.known;
    // To keep what nobody asks for again costs more than to ask: of a large fleet, each logs in when its token is over.
    if (record.enrolled && isRecent(credential.deviceKey) && began === changes) {
      devices.set(credential.deviceKey, found.known, now);
    }
    return lookup(found);
  }

  /** The same device once one of its keys has begun or ended to be good. */
  function turned(known: Known, now: number): Known {
    const { record, keys, credential } = known;
    if (now < credential.validUntil) return known;
    const value = { record, keys, credential: compose(credential.deviceKey, record, keys, now) };
    devices.set(credential.deviceKey, value, now);
    return value;
  }

  /** Asks for a device, and for its customer's keys where they are not kept. */
  async function load(requested: string, now: number, sure: boolean): Promise<Found> {
    const deviceKey = ownCopy(requested);
    const record = await askDevice(deviceKey, now);
    const shared = sure ? customers.fresh(record.customerId, now) : undefined;
    const keys = shared ?? (await askKeys(record.customerId, now));
    const known = { record, keys, credential: compose(deviceKey, record, keys, now) };
    return { known, askedDevice: true, askedKeys: shared === undefined };
  }

  async function findStanding(requested: string, now: number, from: "remembered" | "stored"): Promise<DeviceRecord> {
    const known = from === "remembered" && isSure() ? rememberedRecord(requested, now) : undefined;
    if (known !== undefined) return known;
    const began = changes;
    const deviceKey = ownCopy(requested);
    const record = await askDevice(deviceKey, now);
    if (record.enrolled && began === changes) standings.set(deviceKey, record, now);
    return record;
  }

  function rememberedRecord(deviceKey: string, now: number): DeviceRecord | undefined {
    return devices.fresh(deviceKey, now)?.record ?? standings.fresh(deviceKey, now);
  }

  function lookup(found: Found): Lookup {
    const { credential } = found.known;
    const derived = found.askedDevice ? derivedKeys(credential) : 0;
    return {
      credential,
      derivationsSaved: Math.max(0, MAX_LIVE_KEYS - derived),
      recheck: (now) => recheck(found, now),
    };
  }

  /** Whatever was found, a device and keys have been asked for once after this, and nothing is made of what is the same. */
  async function recheck({ known, askedDevice, askedKeys }: Found, now: number): Promise<Lookup> {
    const { credential } = known;
    const { deviceKey } = credential;
    const record = askedDevice ? known.record : await askDevice(deviceKey, now);
    const keys = askedKeys ? known.keys : await source.findKeys(record.customerId, now);
    const derived = askedDevice ? derivedKeys(credential) : 0;
    const haveSameKeys = haveSameIds(known.keys, keys);
    if (haveSameKeys && isSameDevice(known.record, record)) return settled(credential, derived);
    // Something was changed a moment ago: whoever comes next finds it anew.
    forgetDevice(deviceKey);
    if (!haveSameKeys) customers.delete(record.customerId);
    const changed = compose(deviceKey, record, keys, now);
    return settled(changed, derived + derivedKeys(changed));
  }

  function forgetCustomer(customerId: string): void {
    changes++;
    customers.delete(customerId);
    customersAsked.delete(customerId);
    devices.deleteAll(({ record }) => record.customerId === customerId);
    standings.deleteAll((record) => record.customerId === customerId);
    // It is not known yet whose they are.
    devicesAsked.clear();
  }

  /** A name that was nobody's is not kept: only what is being asked for may be out of date. */
  function forgetUnknown(): void {
    changes++;
    devicesAsked.clear();
  }

  function forgetDevice(deviceKey: string): void {
    changes++;
    devices.delete(deviceKey);
    standings.delete(deviceKey);
    devicesAsked.delete(deviceKey);
  }

  function clear(): void {
    changes++;
    devices.clear();
    standings.clear();
    customers.clear();
    devicesAsked.clear();
    customersAsked.clear();
  }

  return {
    find,
    findStanding,
    async settle(deviceKey, purpose, now) {
      const counts = await source.settle(deviceKey, purpose, now);
      forgetDevice(deviceKey);
      return counts;
    },
    forget(subjects) {
      for (const subject of subjects) {
        const [kind, name = ""] = subject.split(" ");
        if (kind === "device") forgetDevice(name);
        else if (kind === "customer") forgetCustomer(name);
        else if (kind === "unknown") forgetUnknown();
        else if (kind !== "token" && kind !== "signing-keys") clear();
      }
    },
    clear,
  };
}

/** What was cut out of a request would keep all of it for as long as it is kept itself. */
function ownCopy(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

/** What there is no more to ask about. */
function settled(credential: Credential, derived: number): Lookup {
  const same: Lookup = {
    credential,
    derivationsSaved: Math.max(0, MAX_LIVE_KEYS - derived),
    recheck: async () => same,
  };
  return same;
}
