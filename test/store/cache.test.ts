// What is kept of look-ups, and for how long.

import { describe, expect, test } from "vitest";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { createRecentNames } from "../../src/store/recent-names.ts";
import { credentialOf, idsOf, NOW, openCache, RECORD, secretNamed } from "./shelf.ts";

describe("a look-up", () => {
  test("asks for a device and for its customer's keys, once for as long as they may be kept", async () => {
    const { cache, asked } = openCache();
    for (const now of [NOW, NOW + 1, NOW + 1_999]) expect(await idsOf(cache.find("a", now))).toEqual(["k1"]);
    expect(asked()).toEqual(["a", "keys of acme"]);
    await cache.find("a", NOW + 2_000);
    expect(asked()).toEqual(["a", "keys of acme"]);
  });

  test("asks for the keys of one customer once, however many of its devices come", async () => {
    const { shelf, cache, asked } = openCache();
    for (const name of ["b", "c"]) shelf.devices.set(name, RECORD);
    for (const name of ["a", "b", "c"]) await cache.find(name, NOW);
    expect(asked()).toEqual(["a", "keys of acme", "b", "c"]);
  });

  test("of a device that did not come lately is not kept, its customer's keys are", async () => {
    const { cache, asked } = openCache(10, createRecentNames(10));
    await cache.find("a", NOW);
    expect(asked()).toEqual(["a", "keys of acme"]);
    await cache.find("a", NOW);
    expect(asked()).toEqual(["a"]);
    await cache.find("a", NOW);
    expect(asked()).toEqual([]);
  });

  test("of many at once has come lately", async () => {
    const { cache, asked } = openCache(10, createRecentNames(10));
    await Promise.all([cache.find("a", NOW), cache.find("a", NOW)]);
    await cache.find("a", NOW);
    expect(asked()).toEqual(["a", "keys of acme"]);
  });

  test("of a name that is nobody's gives a decoy, and is not kept", async () => {
    const { shelf, cache, asked } = openCache();
    for (let times = 0; times < 2; times++) {
      expect(await credentialOf(cache.find("x", NOW))).toMatchObject({ deviceKey: "x", enrolled: false });
    }
    expect(asked().filter((name) => name === "x")).toHaveLength(2);
    shelf.devices.set("x", RECORD);
    expect((await credentialOf(cache.find("x", NOW))).enrolled).toBe(true);
  });

  test("is not believed when the clock stepped backward, which would keep it for too long", async () => {
    const { cache, asked } = openCache();
    await cache.find("a", NOW);
    await cache.find("a", NOW - 1);
    expect(asked()).toEqual(["a", "keys of acme", "a", "keys of acme"]);
  });

  test("of one name by many at once is made once", async () => {
    const { shelf, cache, asked } = openCache();
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const finds = ["a", "a", "x", "a", "x"].map((name) => cache.find(name, NOW));
    resolve();
    const found = await Promise.all(finds);
    expect(found.map(({ credential }) => credential.enrolled)).toEqual([true, true, false, true, false]);
    expect(asked()).toEqual(["a", "x", "keys of acme", "keys of nobody's"]);
  });

  test("that fails fails for all who wait, and is not kept", async () => {
    const { shelf, cache, asked } = openCache();
    shelf.gate = Promise.reject(new Error("away"));
    const both = await Promise.allSettled([cache.find("a", NOW), cache.find("a", NOW)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    shelf.gate = Promise.resolve();
    expect(await idsOf(cache.find("a", NOW))).toEqual(["k1"]);
    expect(asked()).toEqual(["a", "a", "keys of acme"]);
  });

  test("shares no answer that was asked for before, while it is not sure that it has heard of every change", async () => {
    const { shelf, cache, sure } = openCache();
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
    const { cache, sure, asked } = openCache();
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
    const { shelf, cache } = openCache();
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
    const { shelf, cache, asked } = openCache();
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
    const { shelf, cache, asked } = openCache();
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
    const { shelf, cache } = openCache();
    shelf.keys.set("acme", [secretNamed("now", { expiresAt: NOW + 1 }), secretNamed("later", { notBefore: NOW + 1 })]);
    const { promise, resolve } = Promise.withResolvers<void>();
    shelf.gate = promise;
    const finds = [cache.find("a", NOW), cache.find("a", NOW + 1)];
    resolve();
    expect(await Promise.all(finds.map(idsOf))).toEqual([["now"], ["later"]]);
  });
});

describe("the bound", () => {
  test("evicts the device least recently asked for", async () => {
    const { shelf, cache, asked } = openCache(2);
    for (const name of ["b", "c"]) shelf.devices.set(name, RECORD);
    for (const name of ["a", "b", "a", "c", "a"]) await cache.find(name, NOW);
    expect(asked()).toEqual(["a", "keys of acme", "b", "c"]);
    await cache.find("b", NOW);
    expect(asked()).toEqual(["b"]);
  });

  test("strangers' guesses evict no device", async () => {
    const { cache, asked } = openCache(2);
    await cache.find("a", NOW);
    for (let guess = 0; guess < 20; guess++) await cache.find(`guess-${guess}`, NOW);
    asked();
    await cache.find("a", NOW);
    expect(asked()).toEqual([]);
  });
});
