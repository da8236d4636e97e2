// The cache before a store: how long it may be wrong, what evicts what, and what is asked only once.

import { createSecretKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Credential, CredentialStore, KeyPurpose, Lookup } from "../../src/core/ports.ts";
import { createCredentialCache } from "../../src/store/cache.ts";
import type { Subject } from "../../src/store/changes.ts";

const NOW = 1_764_000_000_000;
const OPTIONS = { capacity: 10, ttlMs: 2_000 };

function credentialOf(deviceKey: string, customerId = "customer-1"): Credential {
  return {
    deviceKey,
    enrolled: true,
    customerId,
    enabled: true,
    sharedIdentity: false,
    replayGuard: false,
    loginLimit: undefined,
    keys: [{ keyId: "k", purpose: "login", secret: createSecretKey("secret", "utf8") }],
    moving: false,
    validUntil: Number.POSITIVE_INFINITY,
  };
}

/** A store of these devices that records what it was asked, and answers when it is let. */
class Shelf implements CredentialStore {
  readonly asked: string[] = [];
  readonly devices = new Map<string, Credential>();
  /** Answers wait for this. */
  gate: Promise<unknown> = Promise.resolve();

  constructor(...deviceKeys: readonly string[]) {
    for (const deviceKey of deviceKeys) this.devices.set(deviceKey, credentialOf(deviceKey));
  }

  async find(deviceKey: string): Promise<Lookup> {
    this.asked.push(deviceKey);
    const credential = this.devices.get(deviceKey) ?? { ...credentialOf(deviceKey, "nobody"), enrolled: false };
    await this.gate;
    return { credential, derivationsSaved: 2 };
  }

  async settle(deviceKey: string, purpose: KeyPurpose): Promise<boolean> {
    this.asked.push(`${deviceKey} settles by ${purpose}`);
    return purpose === "derivation";
  }
}

async function findIn(cache: CredentialStore, deviceKey: string, now: number): Promise<Credential | undefined> {
  const { credential } = await cache.find(deviceKey, now);
  return credential.enrolled ? credential : undefined;
}

describe("a look-up", () => {
  test("is made once and kept for as long as it may be", async () => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    for (const now of [NOW, NOW + 1, NOW + 1_999]) expect((await findIn(cache, "a", now))?.deviceKey).toBe("a");
    expect(shelf.asked).toEqual(["a"]);
    await cache.find("a", NOW + 2_000);
    expect(shelf.asked).toEqual(["a", "a"]);
  });

  test("that finds nothing is kept just as long", async () => {
    const shelf = new Shelf();
    const cache = createCredentialCache(shelf, OPTIONS);
    for (const now of [NOW, NOW + 1_999]) expect(await findIn(cache, "a", now)).toBeUndefined();
    expect(shelf.asked).toEqual(["a"]);
    shelf.devices.set("a", credentialOf("a"));
    expect((await findIn(cache, "a", NOW + 2_000))?.deviceKey).toBe("a");
  });

  test("sees another process's change once the time is up, in either direction", async () => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    await cache.find("a", NOW);
    shelf.devices.delete("a");
    expect(await findIn(cache, "a", NOW + 2_000)).toBeUndefined();
    shelf.devices.set("a", credentialOf("a", "customer-2"));
    expect((await findIn(cache, "a", NOW + 4_000))?.customerId).toBe("customer-2");
  });

  test("is not believed when the clock stepped backward, which would keep it for too long", async () => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    await cache.find("a", NOW);
    await cache.find("a", NOW - 1);
    expect(shelf.asked).toEqual(["a", "a"]);
  });

  test("of one device by many at once is made once", async () => {
    const shelf = new Shelf("a", "b");
    const cache = createCredentialCache(shelf, OPTIONS);
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const finds = ["a", "a", "b", "a", "nobody", "nobody"].map((name) => findIn(cache, name, NOW));
    resolve();
    const found = await Promise.all(finds);
    expect(found.map((credential) => credential?.deviceKey)).toEqual(["a", "a", "b", "a", undefined, undefined]);
    expect(shelf.asked).toEqual(["a", "b", "nobody"]);
  });

  test("that fails fails for all who wait, and is not kept", async () => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    shelf.gate = Promise.reject(new Error("away"));
    const both = await Promise.allSettled([cache.find("a", NOW), cache.find("a", NOW)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    shelf.gate = Promise.resolve();
    expect((await findIn(cache, "a", NOW))?.deviceKey).toBe("a");
    expect(shelf.asked).toEqual(["a", "a"]);
  });
});

describe("forgetting", () => {
  const forgetting = [
    { how: "one device", subjects: ["device a"] },
    { how: "a customer, what is missing", subjects: ["customer customer-1", "unknown"] },
    { how: "all", subjects: ["all"] },
    { how: "what is of another kind than is known", subjects: ["device b", "all"] },
  ] satisfies { how: string; subjects: Subject[] }[];

  test.for(forgetting)("$how makes the next look-up ask again", async ({ subjects }) => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    await cache.find("a", NOW);
    shelf.devices.set("a", credentialOf("a", "customer-2"));
    cache.forget(subjects);
    expect((await findIn(cache, "a", NOW))?.customerId).toBe("customer-2");
  });

  test.for(forgetting)("$how forgets that there was nothing", async ({ subjects }) => {
    const shelf = new Shelf();
    const cache = createCredentialCache(shelf, OPTIONS);
    await cache.find("a", NOW);
    shelf.devices.set("a", credentialOf("a"));
    cache.forget(subjects);
    expect((await findIn(cache, "a", NOW))?.deviceKey).toBe("a");
  });

  test.for(forgetting)("$how while it is being looked up keeps no answer from before", async ({ subjects }) => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const before = findIn(cache, "a", NOW);
    shelf.devices.set("a", credentialOf("a", "customer-2"));
    cache.forget(subjects);
    resolve();
    expect((await before)?.customerId).toBe("customer-1");
    expect((await findIn(cache, "a", NOW))?.customerId).toBe("customer-2");
  });

  test.for(forgetting)("$how while it is being looked up shares no answer from before", async ({ subjects }) => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const before = findIn(cache, "a", NOW);
    shelf.devices.set("a", credentialOf("a", "customer-2"));
    cache.forget(subjects);
    const after = findIn(cache, "a", NOW);
    resolve();
    expect((await before)?.customerId).toBe("customer-1");
    expect((await after)?.customerId).toBe("customer-2");
    expect((await findIn(cache, "a", NOW))?.customerId).toBe("customer-2");
  });
});

describe("forgetting a customer", () => {
  test("asks again for its devices, and for no others", async () => {
    const shelf = new Shelf("a", "b");
    shelf.devices.set("b", credentialOf("b", "customer-2"));
    const cache = createCredentialCache(shelf, OPTIONS);
    for (const name of ["a", "b", "nobody"]) await cache.find(name, NOW);
    cache.forget(["customer customer-2"]);
    for (const name of ["a", "b", "nobody"]) await cache.find(name, NOW);
    expect(shelf.asked).toEqual(["a", "b", "nobody", "b"]);
  });
});

describe("forgetting what is missing", () => {
  test("asks again for that, and for no device", async () => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    for (const name of ["a", "nobody"]) await cache.find(name, NOW);
    cache.forget(["unknown"]);
    for (const name of ["a", "nobody"]) await cache.find(name, NOW);
    expect(shelf.asked).toEqual(["a", "nobody", "nobody"]);
  });
});

describe("keys that have dates", () => {
  test("are found anew when one of them begins or ends to be good", async () => {
    const shelf = new Shelf();
    shelf.devices.set("a", { ...credentialOf("a"), validUntil: NOW + 500 });
    const cache = createCredentialCache(shelf, OPTIONS);
    for (const now of [NOW, NOW + 499]) await cache.find("a", now);
    expect(shelf.asked).toEqual(["a"]);
    await cache.find("a", NOW + 500);
    expect(shelf.asked).toEqual(["a", "a"]);
  });
});

describe("what a look-up saved", () => {
  test("is owed by who asked the store, and by nobody after", async () => {
    const cache = createCredentialCache(new Shelf("a"), OPTIONS);
    for (const name of ["a", "nobody"]) {
      expect((await cache.find(name, NOW)).derivationsSaved).toBe(2);
      expect((await cache.find(name, NOW)).derivationsSaved).toBe(0);
    }
  });
});

describe("settling", () => {
  test("is the store's to decide each time, and forgets what was known", async () => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    await cache.find("a", NOW);
    expect(await cache.settle("a", "derivation", NOW)).toBe(true);
    expect(await cache.settle("a", "login", NOW)).toBe(false);
    await cache.find("a", NOW);
    expect(shelf.asked).toEqual(["a", "a settles by derivation", "a settles by login", "a"]);
  });
});

describe("the bound", () => {
  test("evicts the device least recently asked for", async () => {
    const shelf = new Shelf("a", "b", "c");
    const cache = createCredentialCache(shelf, { ...OPTIONS, capacity: 2 });
    for (const name of ["a", "b", "a", "c", "a"]) await cache.find(name, NOW);
    expect(shelf.asked).toEqual(["a", "b", "c"]);
    await cache.find("b", NOW);
    expect(shelf.asked).toEqual(["a", "b", "c", "b"]);
  });

  test("strangers' guesses evict no device", async () => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, { ...OPTIONS, capacity: 2 });
    await cache.find("a", NOW);
    for (let guess = 0; guess < 20; guess++) await cache.find(`guess-${guess}`, NOW);
    shelf.asked.length = 0;
    await cache.find("a", NOW);
    expect(shelf.asked).toEqual([]);
  });
});
