// The address limit of each address: the usual one, or that of the smallest network with one of its own.

import { describe, expect, test } from "vitest";
import { createAddressLimits, readLimitedNetwork } from "../../../src/core/limiter/address-limits.ts";
import type { Policy } from "../../../src/core/ports.ts";

const policy = (limit: number): Policy => ({ name: "address", limit, windowMs: 60_000 });
const [usual, wide, narrow] = [policy(6_000), policy(60_000), policy(60)];
const of = createAddressLimits(usual, [
  { network: readLimitedNetwork("10.0.0.0/8"), policy: wide },
  { network: readLimitedNetwork("10.1.0.0/16"), policy: narrow },
  { network: readLimitedNetwork("2001:db8::/32"), policy: undefined },
  { network: readLimitedNetwork("2001:db8:1:2::/64"), policy: narrow },
]);

describe("the address limit", () => {
  test.for([
    ["192.0.2.1", usual],
    ["10.2.0.1", wide],
    ["10.1.0.1", narrow],
    ["2001:db8:3::/64", undefined],
    ["2001:db8:1:2::/64", narrow],
    ["2001:db9::/64", usual],
    ["unknown", usual],
  ] as const)("of %s is that of the smallest network", ([address, expected]) => {
    expect(of(address)).toBe(expected);
  });

  test("holds for those with one of their own though it is off for all others", () => {
    const only = createAddressLimits(undefined, [{ network: readLimitedNetwork("10.0.0.0/8"), policy: narrow }]);
    expect([only("10.0.0.1"), only("192.0.2.1")]).toEqual([narrow, undefined]);
  });

  test("is the same for all where there are no overrides", () => {
    expect(createAddressLimits(usual, [])("10.0.0.1")).toBe(usual);
    expect(createAddressLimits(undefined, [])("10.0.0.1")).toBeUndefined();
  });
});

test.for(["2001:db8:0:1::/65", "2001:db8:0:1:2::1"])("%s is smaller than what is counted", (text) => {
  expect(() => readLimitedNetwork(text)).toThrow(
    new Error(`names ${text}, but IPv6 addresses count by /64. Write 2001:db8:0:1::/64`),
  );
});
