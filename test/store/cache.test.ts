// The cache before a store: how long it may be wrong, what evicts what, and what is asked only once.

import { createSecretKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Credential, CredentialStore } from "../../src/core/ports.ts";
import { createCredentialCache } from "../../src/store/cache.ts";

const NOW = 1_764_000_000_000;
const OPTIONS = { capacity: 10, ttlMs: 2_000 };

function credentialOf(deviceKey: string, customerId = "customer-1"): Credential {
  return {
    deviceKey,
    customerId,
    enabled: true,
    sharedIdentity: false,
    replayGuard: false,
    keys: [{ keyId: "k", secret: createSecretKey("secret", "utf8") }],
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

  async find(deviceKey: string): Promise<Credential | undefined> {
    this.asked.push(deviceKey);
    const found = this.devices.get(deviceKey);
    await this.gate;
    return found;
  }
}

describe("a look-up", () => {
  test("is made once and kept for as long as it may be", async () => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    for (const now of [NOW, NOW + 1, NOW + 1_999]) expect((await cache.find("a", now))?.deviceKey).toBe("a");
    expect(shelf.asked).toEqual(["a"]);
    await cache.find("a", NOW + 2_000);
    expect(shelf.asked).toEqual(["a", "a"]);
  });

  test("that finds nothing is kept just as long", async () => {
    const shelf = new Shelf();
    const cache = createCredentialCache(shelf, OPTIONS);
    for (const now of [NOW, NOW + 1_999]) expect(await cache.find("a", now)).toBeUndefined();
    expect(shelf.asked).toEqual(["a"]);
    shelf.devices.set("a", credentialOf("a"));
    expect((await cache.find("a", NOW + 2_000))?.deviceKey).toBe("a");
  });

  test("sees another process's change once the time is up, in either direction", async () => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    await cache.find("a", NOW);
    shelf.devices.delete("a");
    expect(await cache.find("a", NOW + 2_000)).toBeUndefined();
    shelf.devices.set("a", credentialOf("a", "customer-2"));
    expect((await cache.find("a", NOW + 4_000))?.customerId).toBe("customer-2");
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
    const finds = ["a", "a", "b", "a", "nobody", "nobody"].map((name) => cache.find(name, NOW));
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
    expect((await cache.find("a", NOW))?.deviceKey).toBe("a");
    expect(shelf.asked).toEqual(["a", "a"]);
  });
});

describe("forgetting", () => {
  const forgetting = [
    { how: "one device", forget: (cache: ReturnType<typeof createCredentialCache>) => cache.forget("a") },
    { how: "all", forget: (cache: ReturnType<typeof createCredentialCache>) => cache.clear() },
  ];

  test.for(forgetting)("$how makes the next look-up ask again", async ({ forget }) => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    await cache.find("a", NOW);
    shelf.devices.set("a", credentialOf("a", "customer-2"));
    forget(cache);
    expect((await cache.find("a", NOW))?.customerId).toBe("customer-2");
  });

  test.for(forgetting)("$how forgets that there was nothing", async ({ forget }) => {
    const shelf = new Shelf();
    const cache = createCredentialCache(shelf, OPTIONS);
    await cache.find("a", NOW);
    shelf.devices.set("a", credentialOf("a"));
    forget(cache);
    expect((await cache.find("a", NOW))?.deviceKey).toBe("a");
  });

  test.for(forgetting)("$how while it is being looked up keeps no answer from before", async ({ forget }) => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const before = cache.find("a", NOW);
    shelf.devices.set("a", credentialOf("a", "customer-2"));
    forget(cache);
    resolve();
    expect((await before)?.customerId).toBe("customer-1");
    expect((await cache.find("a", NOW))?.customerId).toBe("customer-2");
  });

  test.for(forgetting)("$how while it is being looked up shares no answer from before", async ({ forget }) => {
    const shelf = new Shelf("a");
    const cache = createCredentialCache(shelf, OPTIONS);
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const before = cache.find("a", NOW);
    shelf.devices.set("a", credentialOf("a", "customer-2"));
    forget(cache);
    const after = cache.find("a", NOW);
    resolve();
    expect((await before)?.customerId).toBe("customer-1");
    expect((await after)?.customerId).toBe("customer-2");
    expect((await cache.find("a", NOW))?.customerId).toBe("customer-2");
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
