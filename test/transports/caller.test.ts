// Who is calling: the address that limits count under, and the id of a request.

import { createContextValues } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readNetwork } from "../../src/core/limiter/networks.ts";
import {
  callerOf,
  createCaller,
  createCallerFrom,
  headersOf,
  limitAddress,
  valuesOf,
} from "../../src/transports/caller.ts";

describe("limitAddress", () => {
  test.for([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
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

  test("takes all of an IPv6 network of 64 bits for one, and no two for one", () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.nat({ max: 0xffff }), fc.nat({ max: 0xffff }), (address, network, host) => {
        const of = (net: number, end: number): string =>
          limitAddress(`2001:db8:0:${net.toString(16)}::${end.toString(16)}`);
        expect(of(network, host)).toBe(of(network, 1));
        expect(of(network, host)).not.toBe(of(network ^ 1, host));
        // An address never holds a space, which keys are joined with.
        expect(limitAddress(address)).not.toContain(" ");
      }),
    );
  });

  test("keeps every IPv4 address apart", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(limitAddress(address)).toBe(address);
        expect(limitAddress(`::ffff:${address}`)).toBe(address);
      }),
    );
  });
});

describe("a caller", () => {
  test("is known to the handler by what the transport accepted", () => {
    const caller = createCaller("192.0.2.1", "rest");
    expect(callerOf({ values: valuesOf(caller) })).toBe(caller);
    expect(caller).toEqual({ address: "192.0.2.1", protocol: "rest", requestId: expect.stringMatching(/^[\w-]{12}$/) });
  });

  test("has a request id of its own each time", () => {
    const ids = Array.from({ length: 100 }, () => createCaller("192.0.2.1", "rest").requestId);
    expect(new Set(ids).size).toBe(100);
  });

  test("is counted with all unknown ones when its socket is gone", () => {
    expect(createCaller(undefined, "rest").address).toBe("unknown");
    expect(callerOf({ values: createContextValues() }).address).toBe("unknown");
  });
});

describe("a caller behind proxies", () => {
  const networks = ["10.0.0.0/8", "2001:db8:ffff::/48"].map(readNetwork);
  const behind = createCallerFrom({ networks, header: "x-forwarded-for" });
  const says = (list: string): ReturnType<typeof headersOf> => headersOf({ headers: { "x-forwarded-for": list } });

  test.for([
    ["10.0.0.1", "192.0.2.1", "192.0.2.1"],
    ["::ffff:10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:ffff::1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"],
    ["2001:db8:ffff::1%eth0", "192.0.2.1", "192.0.2.1"],
    ["10.0.0.1", "6.6.6.6, 192.0.2.1, ::ffff:10.9.9.9, [2001:db8:ffff::2]:80", "192.0.2.1"],
    ["192.0.2.9", "192.0.2.1", "192.0.2.9"],
    ["10.0.0.1", "unknown", "10.0.0.1"],
    [undefined, "192.0.2.1", "unknown"],
  ] as const)("at %s that says %j counts under %s", ([peer, list, counted]) => {
    expect(behind(peer, "rest", says(list)).address).toBe(counted);
  });

  test("is told by the one header that its proxies write", () => {
    const headers = { forwarded: "for=192.0.2.1", "x-forwarded-for": "192.0.2.2" };
    const byForwarded = createCallerFrom({ networks, header: "forwarded" });
    expect(byForwarded("10.0.0.1", "rest", headersOf({ headers })).address).toBe("192.0.2.1");
    expect(behind("10.0.0.1", "rest", headersOf({ headers })).address).toBe("192.0.2.2");
    expect(behind("10.0.0.1", "rest", headersOf({ headers: { forwarded: "for=192.0.2.1" } })).address).toBe("10.0.0.1");
  });

  test("is told by all lines of the header as one list", () => {
    const headers = { "x-forwarded-for": ["6.6.6.6", "192.0.2.1, 10.0.0.2", "10.0.0.3"] };
    expect(behind("10.0.0.1", "rest", headersOf({ headers })).address).toBe("192.0.2.1");
  });

  test("is made as ever where no proxy is trusted", () => {
    expect(createCallerFrom({ networks: [], header: "x-forwarded-for" })).toBe(createCaller);
  });
});
