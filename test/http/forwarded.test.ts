// Forwarding headers: the address that trusted proxies name, read entry by entry from the right.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ForwardedHeader } from "../../src/core/limiter/addresses.ts";
import { findOrigin } from "../../src/http/forwarded.ts";

const PEER = "10.0.0.1";
const isTrusted = (address: string): boolean => address.startsWith("10.") || address.startsWith("fd00:");
const origin = (header: ForwardedHeader, list: string | undefined): string =>
  findOrigin(PEER, header, () => list, isTrusted);

test.for(["x-forwarded-for", "forwarded"] as const)("does not read %s of an untrusted peer", (header) => {
  const read = (): string => expect.unreachable("the header was read");
  expect(findOrigin("192.0.2.9", header, read, isTrusted)).toBe("192.0.2.9");
  expect(findOrigin("", header, read, isTrusted)).toBe("");
});

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
  // No address: the last trusted hop.
  ["192.0.2.1, _hidden, 10.0.0.2", "10.0.0.2"],
  ["192.0.2.1, , 10.0.0.2", "10.0.0.2"],
  ...[
    ...["unknown", "", "192.0.2", "1", "0x7f.1", "192.0.2.01", "192.0.2.2:", "192.0.2.2:123456", "[192.0.2.2]"],
    ...["[2001:db8::1", "2001:db8:::1", "fe80::1%eth0", "for=192.0.2.2", "192.0.2.2 192.0.2.3", "localhost"],
  ].map((entry): [string, string] => [`192.0.2.1, ${entry}`, PEER]),
  ["", PEER],
  [undefined, PEER],
] as const)("X-Forwarded-For: %j is from %s", ([list, expected]) => {
  expect(origin("x-forwarded-for", list)).toBe(expected);
});

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
  // A comma within quotes splits too: reading stops at the piece that it leaves.
  ['for=192.0.2.43;host="a, for=6.6.6.6", for="10.0.0.2"', "10.0.0.2"],
  ['for=192.0.2.43;host="a, for=6.6.6.6, b", for="10.0.0.2"', "10.0.0.2"],
  ['for=192.0.2.43;host="a\\", for=6.6.6.6, b", for="10.0.0.2"', "10.0.0.2"],
  ['for=192.0.2.43;host="a\\\\", for="10.0.0.2"', "192.0.2.43"],
  ['for="\\1\\9\\2.0.2.43"', "192.0.2.43"],
  // A quote that the client leaves open does not hide the proxy's entry.
  ['for="6.6.6.6, for=192.0.2.43', "192.0.2.43"],
  ['for=6.6.6.6;host=", for=192.0.2.43;host="x"', "192.0.2.43"],
  // All trusted: the leftmost.
  ["for=10.0.0.3, for=10.0.0.2", "10.0.0.3"],
  // No address: the last trusted hop.
  ["for=192.0.2.1, for=_SEVKISEK, for=10.0.0.2", "10.0.0.2"],
  ...[
    ...["for=unknown", "by=10.0.0.2;proto=https", "for=192.0.2.2;for=192.0.2.3", "for", "for=", "for = 192.0.2.2"],
    ...['for=192.0.2.2"', 'for=192.0.2.2;host="x"y', "192.0.2.2", ""],
  ].map((element): [string, string] => [`for=192.0.2.1, ${element}`, PEER]),
  ["", PEER],
  [undefined, PEER],
] as const)("Forwarded: %j is from %s", ([list, expected]) => {
  expect(origin("forwarded", list)).toBe(expected);
});

/** Header text of a client, with many of the characters that have a meaning. */
const TOKENS = ['"', "\\", ",", ";", "=", " ", "for=", "for=6.6.6.6", "6.6.6.6", "10.0.0.9", "unknown", "[", "]:1"];
const anything = fc
  .array(fc.oneof(fc.constantFrom(...TOKENS), fc.string({ maxLength: 5 })), { maxLength: 30 })
  .map((parts) => parts.join("").replace(/[^\t\x20-\x7e]/g, ""));
const address = fc.oneof(fc.ipV4(), fc.ipV6()).filter((one) => !isTrusted(one));
const hops = fc.array(fc.constantFrom("10.1.2.3", "fd00::1", "10.255.0.1:80"), { maxLength: 4 });
const quote = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
const parameter = anything.map((text) => `host=${quote(text.replaceAll(",", ""))}`);

describe("text of the client, left of the proxies' entries", () => {
  test("changes nothing in X-Forwarded-For", () => {
    fc.assert(
      fc.property(anything, address, hops, (left, caller, proxies) => {
        expect(origin("x-forwarded-for", [left, caller, ...proxies].join(", "))).toBe(caller);
      }),
      { numRuns: 300 },
    );
  });

  test("changes nothing in Forwarded, nor does text that a proxy quotes", () => {
    const node = (one: string): string => (one.includes(".") && !one.includes("::") ? one : quote(`[${one}]`));
    fc.assert(
      fc.property(anything, address, hops, fc.array(parameter, { maxLength: 2 }), (left, caller, proxies, more) => {
        const elements = [caller, ...proxies].map((one) => [`for=${node(one)}`, ...more].join(";"));
        expect(origin("forwarded", [left, ...elements].join(", "))).toBe(caller);
      }),
      { numRuns: 300 },
    );
  });

  test("is not read: only the proxies' entries and one more are", () => {
    const asked: string[] = [];
    const ask = (one: string): boolean => {
      asked.push(one);
      return isTrusted(one);
    };
    findOrigin(PEER, "x-forwarded-for", () => `${"10.0.0.9,".repeat(1_800)}192.0.2.1, 10.0.0.2`, ask);
    expect(asked).toEqual([PEER, "10.0.0.2", "192.0.2.1"]);
  });
});

test("any header gives an address, and never an error", () => {
  fc.assert(
    fc.property(anything, fc.constantFrom("x-forwarded-for", "forwarded"), (list, header) => {
      expect(origin(header, list)).toMatch(/^[\da-f:.]+$/i);
    }),
    { numRuns: 300 },
  );
});

test("a stored address does not keep its header in memory", () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new TypeError("there is a collector");
  collect();
  const before = process.memoryUsage().heapUsed;
  const stored = Array.from({ length: 1_000 }, (_, at) => {
    const list = Buffer.from(`${"x".repeat(15_000)}, 203.0.113.${100 + (at % 100)}`).toString("latin1");
    return origin("x-forwarded-for", list);
  });
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
  expect(stored).toHaveLength(1_000);
});
