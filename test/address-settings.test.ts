// The settings that say whose address counts and by which limit: what they are read as, and what is said of each mistake.

import { describe, expect, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { testConfig } from "./gateway.ts";
import { mistakesOf } from "./settings-mistakes.ts";

const DATA_DIR = "unused";

test("nobody's word is taken and no network is an exception, unless they are set", () => {
  const config = testConfig({ DATA_DIR });
  expect(config.trustedProxies).toEqual([]);
  expect(config.forwardedHeader).toBeUndefined();
  expect(config.addressLimitOverrides).toEqual([]);
});

describe("TRUSTED_PROXIES", () => {
  test("holds networks and addresses", () => {
    const { trustedProxies } = testConfig({ DATA_DIR, TRUSTED_PROXIES: "10.0.0.0/8, 192.0.2.1,2001:db8::/32" });
    expect(trustedProxies.map(({ text }) => text)).toEqual(["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]);
  });

  const WRITE = "Write such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";
  const EVERYONE =
    "which is every address: any caller could then claim another address. Write the networks of your proxies";
  test.for([
    [
      "10.0.0.0/8,10.1.2.3/16",
      "names 10.1.2.3/16, an address in the network 10.1.0.0/16. Write that, or 10.1.2.3 alone",
    ],
    ["loopback", `names loopback, which is neither an address nor a network. ${WRITE}`],
    ["10.0.0.0/8 192.0.2.1", `names 10.0.0.0/8 192.0.2.1, which is neither an address nor a network. ${WRITE}`],
    ["10.0.0.0/40", `names 10.0.0.0/40, but an address has no more than 32 bits. ${WRITE}`],
    ["10.0.0.0/8,", "has an empty entry. Remove the extra comma"],
    ["0.0.0.0/0", `names 0.0.0.0/0, ${EVERYONE}`],
    ["10.0.0.0/8,::/0", `names ::/0, ${EVERYONE}`],
  ] as const)("%j is a mistake", ([TRUSTED_PROXIES, mistake]) => {
    expect(mistakesOf({ TRUSTED_PROXIES })).toEqual([`COUNTERSIGN_TRUSTED_PROXIES ${mistake}`]);
  });
});

describe("FORWARDED_HEADER", () => {
  test.for([
    ["Forwarded", "forwarded"],
    ["X-Forwarded-For", "x-forwarded-for"],
    ["x-forwarded-for", "x-forwarded-for"],
  ] as const)("%s is taken in any case", ([FORWARDED_HEADER, header]) => {
    expect(testConfig({ DATA_DIR, TRUSTED_PROXIES: "10.0.0.1", FORWARDED_HEADER }).forwardedHeader).toBe(header);
  });

  test("is one of two, and of no use alone", () => {
    expect(mistakesOf({ FORWARDED_HEADER: "X-Real-IP" })).toEqual([
      "COUNTERSIGN_FORWARDED_HEADER is neither X-Forwarded-For nor Forwarded",
      "COUNTERSIGN_FORWARDED_HEADER has no effect without COUNTERSIGN_TRUSTED_PROXIES. Set that, or leave COUNTERSIGN_FORWARDED_HEADER out",
    ]);
  });
});

describe("ADDRESS_LIMIT_OVERRIDES", () => {
  test("holds a limit for each network, though the limit itself be off", () => {
    const ADDRESS_LIMIT_OVERRIDES = "10.0.0.0/8=60000/60s, 2001:db8::/32 = off";
    const { addressLimit, addressLimitOverrides } = testConfig({
      DATA_DIR,
      ADDRESS_LIMIT: "off",
      ADDRESS_LIMIT_OVERRIDES,
    });
    expect(addressLimit).toBeUndefined();
    expect(addressLimitOverrides.map(({ network, policy }) => [network.text, policy])).toEqual([
      ["10.0.0.0/8", { name: "address", limit: 60_000, windowMs: 60_000 }],
      ["2001:db8::/32", undefined],
    ]);
  });

  const FORM = "which is not network=limit. Write such as 10.0.0.0/8=60000/60s or 10.0.0.0/8=off";
  test.for([
    ["10.0.0.0/8", `names 10.0.0.0/8, ${FORM}`],
    ["10.0.0.0/8=1/60s=2/60s", `names 10.0.0.0/8=1/60s=2/60s, ${FORM}`],
    ["10.0.0.0/8=ten", "names 10.0.0.0/8=ten, where ten is no limit. Write count/window or off: 10/60s"],
    [
      "10.0.0.0/8=10/1d",
      "names 10.0.0.0/8=10/1d, where 10/1d needs a window of at most 1h, as a number and ms, s, m or h: 10/60s",
    ],
    ["10.0.0.1/8=off", "names 10.0.0.1/8, an address in the network 10.0.0.0/8. Write that, or 10.0.0.1 alone"],
    ["2001:db8::1=off", "names 2001:db8::1, but IPv6 addresses count by /64. Write 2001:db8::/64"],
    ["2001:db8::/65=off", "names 2001:db8::/65, but IPv6 addresses count by /64. Write 2001:db8::/64"],
    ["10.0.0.0/8=off,::ffff:10.0.0.0/104=1/1s", "names 10.0.0.0/8 twice. Keep one"],
    ["10.0.0.0/8=off,,192.0.2.1=off", "has an empty entry. Remove the extra comma"],
  ] as const)("%j is a mistake", ([ADDRESS_LIMIT_OVERRIDES, mistake]) => {
    expect(mistakesOf({ ADDRESS_LIMIT_OVERRIDES })).toEqual([`COUNTERSIGN_ADDRESS_LIMIT_OVERRIDES ${mistake}`]);
  });
});

test("a slip in the name of one is told", () => {
  const slip = { COUNTERSIGN_TRUSTED_PROXY: "10.0.0.1" };
  expect(() => readConfig(slip, { dev: true })).toThrow(
    "COUNTERSIGN_TRUSTED_PROXY is not a setting. Did you mean COUNTERSIGN_TRUSTED_PROXIES?",
  );
});
