// What the cache forgets, and what it asks for whatever it remembers.

import { describe, expect, test } from "vitest";
import type { Subject } from "../../src/store/changes.ts";
import { credentialOf, idsOf, NOW, openCache, RECORD, secretNamed } from "./shelf.ts";

describe("forgetting", () => {
  const forgetting = [
    { how: "one device", subjects: ["device a"], again: ["a"] },
    { how: "its customer", subjects: ["customer acme"], again: ["a", "keys of acme"] },
    { how: "all", subjects: ["all"], again: ["a", "keys of acme"] },
    { how: "another device and customer", subjects: ["device b", "customer other", "unknown"], again: [] },
  ] satisfies { how: string; subjects: Subject[]; again: string[] }[];

  test.for(forgetting)("$how makes the next look-up ask again", async ({ subjects, again }) => {
    const { cache, asked } = openCache();
    await cache.find("a", NOW);
    asked();
    cache.forget(subjects);
    await cache.find("a", NOW);
    expect(asked()).toEqual(again);
  });

  test.for(forgetting)("$how while it is being looked up keeps no answer from before", async ({ subjects }) => {
    const { shelf, cache } = openCache();
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
      const { shelf, cache } = openCache();
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
    const { shelf, cache, asked } = openCache();
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
    const { shelf, cache } = openCache();
    shelf.keys.set("acme", [secretNamed("d1", { purpose: "derivation" })]);
    shelf.devices.set("a", { ...RECORD, keyMode: "derived" });
    const first = await cache.find("a", NOW);
    expect([first.derivationsSaved, (await first.recheck(NOW)).derivationsSaved]).toEqual([2, 2]);
    const later = await cache.find("a", NOW);
    expect([later.derivationsSaved, (await later.recheck(NOW)).derivationsSaved]).toEqual([3, 3]);
  });

  test("is held against what is there now, which is then found by all", async () => {
    const { shelf, cache } = openCache();
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
    const { cache, asked } = openCache();
    await cache.find("a", NOW);
    expect(await cache.settle("a", "derivation", NOW)).toBe(true);
    expect(await cache.settle("a", "login", NOW)).toBe(false);
    await cache.find("a", NOW);
    expect(asked()).toEqual(["a", "keys of acme", "a settles by derivation", "a settles by login", "a"]);
  });
});
