// How far a rotation is, and what a retirement stops.

import { describe, expect, test } from "vitest";
import { progressOf, stopOf } from "../../../src/core/registry/key-progress.ts";
import type { KeyUsage, StoredCustomerKey } from "../../../src/core/registry/ports.ts";

const NOW = 1_764_000_000_000;
const NONE = { shared: 0, moving: 0, derived: 0 };

const key = (keyId: string, draft: Partial<StoredCustomerKey> = {}): StoredCustomerKey => ({
  keyId,
  customerId: "c",
  purpose: "login",
  notBefore: NOW - 10,
  expiresAt: undefined,
  createdAt: NOW - 10,
  retiredAt: undefined,
  ...draft,
});
const used = (all: number, moving = 0, derived = 0) => ({
  devices: { shared: all - moving - derived, moving, derived },
  firstUseAt: NOW - 9,
  lastUseAt: NOW - 1,
});
const usage = (keys: Record<string, ReturnType<typeof used>>, devices = NONE, silent = NONE): KeyUsage => ({
  keys: new Map(Object.entries(keys)),
  silent,
  devices,
});

test("shows every key that is live or used, in the order they come in", () => {
  const keys = [
    key("pending", { notBefore: NOW + 1 }),
    key("live"),
    key("retired and used", { retiredAt: NOW }),
    key("retired", { retiredAt: NOW }),
    key("expired and used", { expiresAt: NOW, purpose: "derivation" }),
    key("expired", { expiresAt: NOW }),
  ];
  const seen = usage({ "retired and used": used(3), "expired and used": used(1), gone: used(9) }, NONE, {
    shared: 1,
    moving: 2,
    derived: 4,
  });
  const unused = { devices: 0, firstUseAt: undefined, lastUseAt: undefined };
  const used3 = { devices: 3, firstUseAt: NOW - 9, lastUseAt: NOW - 1 };
  expect(progressOf(keys, seen, NOW)).toEqual({
    keys: [
      { keyId: "live", purpose: "login", state: "live", ...unused },
      { keyId: "retired and used", purpose: "login", state: "retired", ...used3 },
      { keyId: "expired and used", purpose: "derivation", state: "expired", ...used3, devices: 1 },
    ],
    silentDevices: 7,
  });
});

describe("retiring", () => {
  const stop = (which: string, keys: readonly StoredCustomerKey[], seen: KeyUsage) =>
    stopOf(keys.find(({ keyId }) => keyId === which) ?? key(which), keys, seen, NOW);

  test("one of two live keys stops the devices whose last login it proved", () => {
    const seen = usage(
      { old: used(3, 1), new: used(5) },
      { shared: 20, moving: 1, derived: 4 },
      { shared: 11, moving: 1, derived: 2 },
    );
    expect(stop("old", [key("new"), key("old")], seen)).toEqual({
      stoppedDevices: 3,
      silentDevices: 12,
      otherLiveKeys: 1,
    });
  });

  test("the last login key stops all that sign with one, and those on their way that still do", () => {
    const seen = usage(
      { old: used(3, 2), own: used(4, 1) },
      { shared: 20, moving: 6, derived: 4 },
      { shared: 9, moving: 1, derived: 0 },
    );
    const others = [
      key("own", { purpose: "derivation" }),
      key("gone", { retiredAt: NOW }),
      key("later", { notBefore: NOW + 1 }),
    ];
    expect(stop("old", [...others, key("old")], seen)).toEqual({
      stoppedDevices: 22,
      silentDevices: 10,
      otherLiveKeys: 0,
    });
  });

  test("the last derivation key stops all that sign with one, but not those on their way that still share a live key", () => {
    const seen = usage(
      { shared: used(9, 3), gone: used(2, 2), own: used(4, 0, 4) },
      { shared: 9, moving: 6, derived: 4 },
      { shared: 0, moving: 1, derived: 2 },
    );
    const keys = [key("own", { purpose: "derivation" }), key("shared"), key("gone", { retiredAt: NOW })];
    expect(stop("own", keys, seen)).toEqual({ stoppedDevices: 7, silentDevices: 3, otherLiveKeys: 0 });
  });

  test.for([{ retiredAt: NOW - 1 }, { expiresAt: NOW }])(
    "one that proves nothing any more stops nothing: %j",
    (draft) => {
      const seen = usage({ old: used(3) }, { ...NONE, shared: 20 }, { ...NONE, shared: 9 });
      expect(stop("old", [key("old", draft)], seen)).toEqual({ stoppedDevices: 0, silentDevices: 0, otherLiveKeys: 0 });
    },
  );

  test("one of several does not stop the devices that have moved since to keys of the other purpose", () => {
    const seen = usage({ old: used(7, 2, 4), own: used(9, 1, 5) }, { shared: 6, moving: 3, derived: 9 });
    const keys = ["old", "new"].map((name) => key(name));
    const own = ["own", "newer"].map((name) => key(name, { purpose: "derivation" }));
    expect(stop("old", [...keys, ...own], seen).stoppedDevices).toBe(3);
    expect(stop("own", [...keys, ...own], seen).stoppedDevices).toBe(6);
  });

  test("one whose time has not come stops nothing, and silent devices may have it", () => {
    const seen = usage({}, { ...NONE, shared: 20 }, { ...NONE, shared: 9 });
    const keys = [key("live"), key("next", { notBefore: NOW + 1 })];
    expect(stop("next", keys, seen)).toEqual({ stoppedDevices: 0, silentDevices: 9, otherLiveKeys: 1 });
  });
});
