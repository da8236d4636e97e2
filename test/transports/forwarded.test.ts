// Whose address counts behind trusted proxies: the two headers, entry by entry from the right.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ForwardedHeader } from "../../src/core/forwarded-header.ts";
import { findOrigin } from "../../src/transports/forwarded.ts";

const PEER = "10.0.0.1";
const isTrusted = (address: string): boolean => address.startsWith("10.") || address.startsWith("fd00:");
const origin = (header: ForwardedHeader, list: string | undefined, peer = PEER): string =>
  findOrigin(peer, header, () => list, isTrusted);

describe("a peer that is not trusted", () => {
  test.for(["x-forwarded-for", "forwarded"] as const)("has its %s not even looked at", (header) => {
    const look = (): string => expect.unreachable("the header was looked at");
    expect(findOrigin("192.0.2.9", header, look, isTrusted)).toBe("192.0.2.9");
    expect(findOrigin("", header, look, isTrusted)).toBe("");
  });
});

describe("X-Forwarded-For", () => {
  test.for([
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:567", "192.0.2.1"],
    ["2001:db8::1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:DB8::1]:567", "2001:DB8::1"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["6.6.6.6, 192.0.2.1", "192.0.2.1"],
    ["6.6.6.6,192.0.2.1,10.0.0.2 , \t10.0.0.3", "192.0.2.1"],
    ["192.0.2.1, fd00::1, [fd00::2]:80", "192.0.2.1"],
    // All trusted: the leftmost.
    ["10.0.0.3, 10.0.0.2", "10.0.0.3"],
    // No address: the last trusted hop, and nothing from further left.
    ["192.0.2.1, unknown", PEER],
    ["192.0.2.1, _hidden, 10.0.0.2", "10.0.0.2"],
    ["192.0.2.1, , 10.0.0.2", "10.0.0.2"],
    ["192.0.2.1,", PEER],
    ["192.0.2.1, 192.0.2", PEER],
    ["192.0.2.1, 1", PEER],
    ["192.0.2.1, 0x7f.1", PEER],
    ["192.0.2.1, 192.0.2.01", PEER],
    ["192.0.2.1, 192.0.2.2:", PEER],
    ["192.0.2.1, 192.0.2.2:123456", PEER],
    ["192.0.2.1, [192.0.2.2]", PEER],
    ["192.0.2.1, [2001:db8::1", PEER],
    ["192.0.2.1, 2001:db8:::1", PEER],
    ["192.0.2.1, fe80::1%eth0", PEER],
    ["192.0.2.1, for=192.0.2.2", PEER],
    ["192.0.2.1, 192.0.2.2 192.0.2.3", PEER],
    ["192.0.2.1, localhost", PEER],
    ["", PEER],
    [undefined, PEER],
  ] as const)("%j is from %s", ([list, expected]) => {
    expect(origin("x-forwarded-for", list)).toBe(expected);
  });
});

describe("Forwarded", () => {
  test.for([
    ["for=192.0.2.1", "192.0.2.1"],
    ['For="192.0.2.1:47011"', "192.0.2.1"],
    ["for=192.0.2.1:567", "192.0.2.1"],
    ['for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"],
    ['for="[2001:db8:cafe::17]"', "2001:db8:cafe::17"],
    ['for="[2001:db8:cafe::17]:_port"', "2001:db8:cafe::17"],
    ['for="2001:db8::1"', "2001:db8::1"],
    ["for=[2001:db8::1]", "2001:db8::1"],
    ["for=192.0.2.43;proto=http;by=203.0.113.43", "192.0.2.43"],
    ["proto=https ; FOR=192.0.2.43; host=example.org;", "192.0.2.43"],
    ["for=6.6.6.6, for=192.0.2.43,for=10.0.0.2;by=10.0.0.1", "192.0.2.43"],
    ['for=192.0.2.43;host="a, for=6.6.6.6", for="10.0.0.2"', "192.0.2.43"],
    ['for=192.0.2.43;host="a\\", for=6.6.6.6", for="10.0.0.2"', "192.0.2.43"],
    ['for=192.0.2.43;host="a\\\\", for="10.0.0.2"', "192.0.2.43"],
    ['for="\\1\\9\\2.0.2.43"', "192.0.2.43"],
    // A quote that a stranger leaves open does not swallow what a proxy says.
    ['for="6.6.6.6, for=192.0.2.43', "192.0.2.43"],
    ['for=6.6.6.6;host=", for=192.0.2.43;host="x"', "192.0.2.43"],
    // All trusted: the leftmost.
    ["for=10.0.0.3, for=10.0.0.2", "10.0.0.3"],
    // No address: the last trusted hop, and nothing from further left.
    ["for=192.0.2.1, for=unknown", PEER],
    ["for=192.0.2.1, for=_SEVKISEK, for=10.0.0.2", "10.0.0.2"],
    ["for=192.0.2.1, by=10.0.0.2;proto=https", PEER],
    ["for=192.0.2.1, for=192.0.2.2;for=192.0.2.3", PEER],
    ["for=192.0.2.1, for", PEER],
    ["for=192.0.2.1, for=", PEER],
    ["for=192.0.2.1, for = 192.0.2.2", PEER],
    ['for=192.0.2.1, for=192.0.2.2"', PEER],
    ['for=192.0.2.1, for=192.0.2.2;host="x"y', PEER],
    ["for=192.0.2.1, 192.0.2.2", PEER],
    ["for=192.0.2.1, ", PEER],
    ["", PEER],
    [undefined, PEER],
  ] as const)("%j is from %s", ([list, expected]) => {
    expect(origin("forwarded", list)).toBe(expected);
  });
});

/** What a stranger may put into a header before a proxy adds to it: of the characters that mean something, many. */
const anything = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '"',
        "\\",
        ",",
        ";",
        "=",
        " ",
        "for=",
        "for=6.6.6.6",
        "6.6.6.6",
        "10.0.0.9",
        "unknown",
        "[",
        "]:1",
      ),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join("").replace(/[^\t\x20-\x7e]/g, ""));
const address = fc.oneof(fc.ipV4(), fc.ipV6()).filter((one) => !isTrusted(one));
const hops = fc.array(fc.constantFrom("10.1.2.3", "fd00::1", "10.255.0.1:80"), { maxLength: 4 });
const quote = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
const parameter = anything.map((text) => `host=${quote(text)}`);

describe("whatever a stranger writes further left", () => {
  test("changes nothing in X-Forwarded-For", () => {
    fc.assert(
      fc.property(anything, address, hops, (left, caller, proxies) => {
        expect(origin("x-forwarded-for", [left, caller, ...proxies].join(", "))).toBe(caller);
      }),
      { numRuns: 1_000 },
    );
  });

  test("changes nothing in Forwarded, nor does what a proxy quotes", () => {
    const node = (one: string): string => (one.includes(".") && !one.includes("::") ? one : quote(`[${one}]`));
    fc.assert(
      fc.property(anything, address, hops, fc.array(parameter, { maxLength: 2 }), (left, caller, proxies, more) => {
        const elements = [caller, ...proxies].map((one) => [`for=${node(one)}`, ...more].join(";"));
        expect(origin("forwarded", [left, ...elements].join(", "))).toBe(caller);
      }),
      { numRuns: 1_000 },
    );
  });

  test("costs nothing: no more is looked at than proxies have written, and one entry more", () => {
    const asked: string[] = [];
    const list = `${"10.0.0.9,".repeat(1_800)}192.0.2.1, 10.0.0.2`;
    findOrigin(
      PEER,
      "x-forwarded-for",
      () => list,
      (one) => {
        asked.push(one);
        return isTrusted(one);
      },
    );
    expect(asked).toEqual([PEER, "10.0.0.2", "192.0.2.1"]);
  });
});

test("of any header comes the peer or an address, and never an error", () => {
  fc.assert(
    fc.property(anything, fc.constantFrom("x-forwarded-for", "forwarded"), (list, header) => {
      expect(origin(header, list)).toMatch(/^[\da-f:.]+$/i);
    }),
    { numRuns: 1_000 },
  );
});

test("an address that is kept does not keep the header it came in", () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new TypeError("there is a collector");
  const kept: string[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < 1_000; at++) {
    const list = Buffer.from(`${"x".repeat(15_000)}, 203.0.113.${100 + (at % 100)}`).toString("latin1");
    kept.push(origin("x-forwarded-for", list));
  }
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
  expect(kept).toHaveLength(1_000);
});
