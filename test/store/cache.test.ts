// What is kept of look-ups: for how long, what it is forgotten by, and what a refused proof costs.

import { describe, expect, test } from "vitest";
import type { Credential, KeyPurpose, Lookup } from "../../src/core/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { type CredentialCache, createCredentialCache } from "../../src/store/cache.ts";
import type { Subject } from "../../src/store/changes.ts";
import type { CredentialSource, DeviceRecord, LoginKeys, LoginSecret } from "../../src/store/credentials.ts";

const NOW = 1_764_000_000_000;
const NEVER = Number.POSITIVE_INFINITY;

const RECORD: DeviceRecord = {
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

function secretNamed(keyId: string, draft: Partial<LoginSecret> = {}): LoginSecret {
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

function open(capacity = 10): Opened {
  const shelf = new Shelf();
  const sure = { value: true };
  const cache = createCredentialCache(shelf, { capacity, ttlMs: 2_000, isSure: () => sure.value });
  return { shelf, cache, sure, asked: () => shelf.asked.splice(0) };
}

async function idsOf(lookup: Promise<Lookup> | Lookup): Promise<readonly string[]> {
  return (await lookup).credential.keys.map(({ keyId }) => keyId);
}

async function credentialOf(lookup: Promise<Lookup>): Promise<Credential> {
  return (await lookup).credential;
}

describe("a look-up", () => {
  test("asks for a device and for its customer's keys, once for as long as they may be kept", async () => {
    const { cache, asked } = open();
    for (const now of [NOW, NOW + 1, NOW + 1_999]) expect(await idsOf(cache.find("a", now))).toEqual(["k1"]);
    expect(asked()).toEqual(["a", "keys of acme"]);
    await cache.find("a", NOW + 2_000);
    expect(asked()).toEqual(["a", "keys of acme"]);
  });

  test("asks for the keys of one customer once, however many of its devices come", async () => {
    const { shelf, cache, asked } = open();
    for (const name of ["b", "c"]) shelf.devices.set(name, RECORD);
    for (const name of ["a", "b", "c"]) await cache.find(name, NOW);
    expect(asked()).toEqual(["a", "keys of acme", "b", "c"]);
  });

  test("of a name that is nobody's gives a decoy, and is not kept", async () => {
    const { shelf, cache, asked } = open();
    for (let times = 0; times < 2; times++) {
      expect(await credentialOf(cache.find("x", NOW))).toMatchObject({ deviceKey: "x", enrolled: false });
    }
    expect(asked().filter((name) => name === "x")).toHaveLength(2);
    shelf.devices.set("x", RECORD);
    expect((await credentialOf(cache.find("x", NOW))).enrolled).toBe(true);
  });

  test("is not believed when the clock stepped backward, which would keep it for too long", async () => {
    const { cache, asked } = open();
    await cache.find("a", NOW);
    await cache.find("a", NOW - 1);
    expect(asked()).toEqual(["a", "keys of acme", "a", "keys of acme"]);
  });

  test("of one name by many at once is made once", async () => {
    const { shelf, cache, asked } = open();
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const finds = ["a", "a", "x", "a", "x"].map((name) => cache.find(name, NOW));
    resolve();
    const found = await Promise.all(finds);
    expect(found.map(({ credential }) => credential.enrolled)).toEqual([true, true, false, true, false]);
    expect(asked()).toEqual(["a", "x", "keys of acme", "keys of nobody's"]);
  });

  test("that fails fails for all who wait, and is not kept", async () => {
    const { shelf, cache, asked } = open();
    shelf.gate = Promise.reject(new Error("away"));
    const both = await Promise.allSettled([cache.find("a", NOW), cache.find("a", NOW)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    shelf.gate = Promise.resolve();
    expect(await idsOf(cache.find("a", NOW))).toEqual(["k1"]);
    expect(asked()).toEqual(["a", "a", "keys of acme"]);
  });

  test("shares no answer that was asked for before, while it is not sure that it has heard of every change", async () => {
    const { shelf, cache, sure } = open();
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const before = cache.find("a", NOW);
    sure.value = false;
    shelf.devices.set("a", { ...RECORD, enabled: false });
    const after = cache.find("a", NOW);
    resolve();
    expect((await credentialOf(before)).enabled).toBe(true);
    expect((await credentialOf(after)).enabled).toBe(false);
  });

  test("answers nothing from memory while it is not sure that it has heard of every change", async () => {
    const { cache, sure, asked } = open();
    await cache.find("a", NOW);
    sure.value = false;
    await cache.find("a", NOW);
    await cache.find("a", NOW);
    sure.value = true;
    await cache.find("a", NOW);
    expect(asked()).toEqual(["a", "keys of acme", "a", "keys of acme", "a", "keys of acme"]);
  });
});

describe("keys", () => {
  test("are those that the device is to sign with, its own derived for it", async () => {
    const { shelf, cache } = open();
    shelf.keys.set("acme", [secretNamed("d1", { purpose: "derivation" }), secretNamed("k1")]);
    shelf.devices.set("own", { ...RECORD, keyMode: "derived" });
    shelf.devices.set("moving", { ...RECORD, keyMode: "derived", movingSince: 0 });
    expect(await idsOf(cache.find("a", NOW))).toEqual(["k1"]);
    expect(await idsOf(cache.find("moving", NOW))).toEqual(["d1", "k1"]);
    const own = await credentialOf(cache.find("own", NOW));
    expect(own.keys.map(({ keyId, secret }) => [keyId, secret.export().toString()])).toEqual([
      ["d1", deriveDeviceKey(secretFromText("secret of d1"), "own")],
    ]);
  });

  test("of which none that is due opens are a fault of those who need one, and asked for again", async () => {
    const { shelf, cache, asked } = open();
    const fault = new Error("does not open");
    shelf.keys.set("acme", [secretNamed("d1", { purpose: "derivation" })]);
    shelf.faults.set("login", fault);
    shelf.devices.set("own", { ...RECORD, keyMode: "derived" });
    shelf.devices.set("moving", { ...RECORD, keyMode: "derived", movingSince: 0 });
    await expect(cache.find("a", NOW)).rejects.toBe(fault);
    expect(await idsOf(cache.find("own", NOW))).toEqual(["d1"]);
    expect(await idsOf(cache.find("moving", NOW))).toEqual(["d1"]);
    shelf.faults.clear();
    shelf.keys.set("acme", [secretNamed("k1")]);
    asked();
    expect(await idsOf(cache.find("a", NOW))).toEqual(["k1"]);
    expect(asked()).toEqual(["a", "keys of acme"]);
  });

  test("count from their day to their end, to the millisecond, without asking again", async () => {
    const { shelf, cache, asked } = open();
    shelf.keys.set("acme", [
      secretNamed("now", { expiresAt: NOW + 300 }),
      secretNamed("later", { notBefore: NOW + 100 }),
    ]);
    const found: (readonly string[])[] = [];
    for (const after of [0, 99, 100, 299, 300]) found.push(await idsOf(cache.find("a", NOW + after)));
    expect(found).toEqual([["now"], ["now"], ["now", "later"], ["now", "later"], ["later"]]);
    expect(asked()).toEqual(["a", "keys of acme"]);
  });

  test("that began or ended while the store was asked count by the time of who asks, not of who asked first", async () => {
    const { shelf, cache } = open();
    shelf.keys.set("acme", [secretNamed("now", { expiresAt: NOW + 1 }), secretNamed("later", { notBefore: NOW + 1 })]);
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const finds = [cache.find("a", NOW), cache.find("a", NOW + 1)];
    resolve();
    expect(await Promise.all(finds.map(idsOf))).toEqual([["now"], ["later"]]);
  });
});

describe("forgetting", () => {
  const forgetting = [
    { how: "one device", subjects: ["device a"], again: ["a"] },
    { how: "its customer", subjects: ["customer acme"], again: ["a", "keys of acme"] },
    { how: "all", subjects: ["all"], again: ["a", "keys of acme"] },
    { how: "another device and customer", subjects: ["device b", "customer other", "unknown"], again: [] },
  ] satisfies { how: string; subjects: Subject[]; again: string[] }[];

  test.for(forgetting)("$how makes the next look-up ask again", async ({ subjects, again }) => {
    const { cache, asked } = open();
    await cache.find("a", NOW);
    asked();
    cache.forget(subjects);
    await cache.find("a", NOW);
    expect(asked()).toEqual(again);
  });

  test.for(forgetting)("$how while it is being looked up keeps no answer from before", async ({ subjects }) => {
    const { shelf, cache } = open();
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const before = cache.find("a", NOW);
    shelf.devices.set("a", { ...RECORD, enabled: false });
    cache.forget(subjects);
    resolve();
    expect((await credentialOf(before)).enabled).toBe(true);
    expect((await credentialOf(cache.find("a", NOW))).enabled).toBe(false);
  });

  test.for(forgetting.slice(0, 3))(
    "$how while it is being looked up shares no answer from before",
    async ({ subjects }) => {
      const { shelf, cache } = open();
      const { promise, resolve } = Promise.withResolvers<void>();
      shelf.gate = promise;
      const before = cache.find("a", NOW);
      shelf.devices.set("a", { ...RECORD, enabled: false });
      cache.forget(subjects);
      const after = cache.find("a", NOW);
      resolve();
      expect((await credentialOf(before)).enabled).toBe(true);
      expect((await credentialOf(after)).enabled).toBe(false);
    },
  );
});

describe("a proof that is refused", () => {
  const ways = [
    { name: "a", kept: true },
    { name: "a", kept: false },
    { name: "x", kept: false },
  ];

  test.for(ways)("has asked for a device and for keys once: $name, kept: $kept", async ({ name, kept }) => {
    const { shelf, cache, asked } = open();
    shelf.devices.set("b", RECORD);
    // The keys of the customer are kept in any case.
    await cache.find(kept ? name : "b", NOW);
    if (name === "x") await cache.find("y", NOW);
    asked();
    const found = await cache.find(name, NOW);
    const again = await found.recheck(NOW);
    expect(asked().map((what) => what.split(" ")[0])).toEqual([name, "keys"]);
    expect(again.credential).toBe(found.credential);
    expect(again.derivationsSaved).toBe(3);
    // And no more, however often it is asked.
    await again.recheck(NOW);
    expect(asked()).toEqual([]);
  });

  test("has cost as many derivations, made or saved, with a key of its own", async () => {
    const { shelf, cache } = open();
    shelf.keys.set("acme", [secretNamed("d1", { purpose: "derivation" })]);
    shelf.devices.set("a", { ...RECORD, keyMode: "derived" });
    const first = await cache.find("a", NOW);
    expect([first.derivationsSaved, (await first.recheck(NOW)).derivationsSaved]).toEqual([2, 2]);
    const later = await cache.find("a", NOW);
    expect([later.derivationsSaved, (await later.recheck(NOW)).derivationsSaved]).toEqual([3, 2]);
  });

  test("is held against what is there now, which is then found by all", async () => {
    const { shelf, cache } = open();
    await cache.find("a", NOW);
    shelf.keys.set("acme", [secretNamed("k2")]);
    const found = await cache.find("a", NOW);
    expect(await idsOf(found)).toEqual(["k1"]);
    const again = await found.recheck(NOW);
    expect(again.credential).not.toBe(found.credential);
    expect(await idsOf(again)).toEqual(["k2"]);
    expect(await idsOf(cache.find("a", NOW))).toEqual(["k2"]);
  });
});

describe("settling", () => {
  test("is the store's to decide each time, and forgets what was known", async () => {
    const { cache, asked } = open();
    await cache.find("a", NOW);
    expect(await cache.settle("a", "derivation", NOW)).toBe(true);
    expect(await cache.settle("a", "login", NOW)).toBe(false);
    await cache.find("a", NOW);
    expect(asked()).toEqual(["a", "keys of acme", "a settles by derivation", "a settles by login", "a"]);
  });
});

describe("the bound", () => {
  test("evicts the device least recently asked for", async () => {
    const { shelf, cache, asked } = open(2);
    for (const name of ["b", "c"]) shelf.devices.set(name, RECORD);
    for (const name of ["a", "b", "a", "c", "a"]) await cache.find(name, NOW);
    expect(asked()).toEqual(["a", "keys of acme", "b", "c"]);
    await cache.find("b", NOW);
    expect(asked()).toEqual(["b"]);
  });

  test("strangers' guesses evict no device", async () => {
    const { cache, asked } = open(2);
    await cache.find("a", NOW);
    for (let guess = 0; guess < 20; guess++) await cache.find(`guess-${guess}`, NOW);
    asked();
    await cache.find("a", NOW);
    expect(asked()).toEqual([]);
  });
});
