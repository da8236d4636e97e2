// The caller of a request: the address that limits count under, and the request id.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limitAddress, readNetwork } from "../../src/core/limiter/addresses.ts";
import { createCallerFrom, trustNetworks } from "../../src/http/caller.ts";

describe("limitAddress", () => {
  test.for([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["64:ff9b::192.0.2.1", "192.0.2.1"],
    ["64:ff9b::c000:201", "192.0.2.1"],
    ["64:ff9b::", "0.0.0.0"],
    ["64:ff9b::1:c000:201", "64:ff9b::/64"],
    ["64:ff9b:1::c000:201", "64:ff9b:1::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8::/64"],
    ["::1", "::/64"],
    ["fe80::1%eth0", "fe80::/64"],
    ["", "unknown"],
    ["localhost", "unknown"],
    ["192.0.2.256", "unknown"],
  ] as const)("counts %j under %j", ([address, counted]) => {
    expect(limitAddress(address)).toBe(counted);
  });

  test("counts an IPv6 /64 as one, and never two as one", () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.nat({ max: 0xffff }), fc.nat({ max: 0xffff }), (address, network, host) => {
        const counted = (net: number, end: number): string =>
          limitAddress(`2001:db8:0:${net.toString(16)}::${end.toString(16)}`);
        expect(counted(network, host)).toBe(counted(network, 1));
        expect(counted(network, host)).not.toBe(counted(network ^ 1, host));
        // Keys of limits are joined with spaces.
        expect(limitAddress(address)).not.toContain(" ");
      }),
    );
  });

  test("counts each IPv4 address by itself", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(limitAddress(address)).toBe(address);
        expect(limitAddress(`::ffff:${address}`)).toBe(address);
        expect(limitAddress(`64:ff9b::${address}`)).toBe(address);
      }),
    );
  });
});

describe("without trusted proxies", () => {
  const callerFrom = createCallerFrom(trustNetworks([]));
  const headers = { "x-forwarded-for": "192.0.2.2" };

  test("the peer is the caller, and the header is ignored", () => {
    expect(callerFrom({ remoteAddress: "192.0.2.1", headers }, "rest")).toEqual({
      address: "192.0.2.1",
      protocol: "rest",
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test("each request has an id of its own", () => {
    const ids = Array.from(
      { length: 100 },
      () => callerFrom({ remoteAddress: "192.0.2.1", headers }, "rest").requestId,
    );
    expect(new Set(ids).size).toBe(100);
  });
});

test.for([
  ["::ffff:10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:ffff::1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"],
  ["10.0.0.1", "64:ff9b::192.0.2.1", "192.0.2.1"],
  ["64:ff9b::10.0.0.1", "192.0.2.1", "10.0.0.1"],
  ["10.0.0.1", "6.6.6.6, 192.0.2.1, ::ffff:10.9.9.9, [2001:db8:ffff::2]:80", "192.0.2.1"],
  ["192.0.2.9", "192.0.2.1", "192.0.2.9"],
  ["", "192.0.2.1", "unknown"],
] as const)("behind trusted proxies the peer %j with the list %j counts under %s", ([remoteAddress, list, counted]) => {
  const networks = ["10.0.0.0/8", "2001:db8:ffff::/48"].map(readNetwork);
  const callerFrom = createCallerFrom(trustNetworks(networks));
  // RFC 7239's header, which a stranger may have written, is not read.
  const headers = { "x-forwarded-for": list, forwarded: "for=192.0.2.77" };
  expect(callerFrom({ remoteAddress, headers }, "rest").address).toBe(counted);
});
