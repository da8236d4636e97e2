// Networks: how they are read, what is wrong with those that are not, and which one an address is found in.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createNetworkTable, readNetwork, widen } from "../../../src/core/limiter/networks.ts";

describe("a network", () => {
  test.for([
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["192.0.2.1", "192.0.2.1/32"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:DB8::/32", "2001:db8::/32"],
    ["2001:db8:0:0::1", "2001:db8::1/128"],
    ["::/0", "::/0"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["::ffff:10.1.2.3", "10.1.2.3/32"],
  ] as const)("%s is read as %s", ([text, network]) => {
    expect(readNetwork(text).text).toBe(network);
  });

  test.for([
    ["10.0.0.1/8", "an address in the network 10.0.0.0/8. Write that, or 10.0.0.1 alone"],
    ["2001:db8::1/32", "an address in the network 2001:db8::/32. Write that, or 2001:db8::1 alone"],
    ["::ffff:10.0.0.1/104", "an address in the network 10.0.0.0/8. Write that, or 10.0.0.1 alone"],
  ] as const)("%s has bits beyond its prefix, and the network meant is named", ([text, mistake]) => {
    expect(() => readNetwork(text)).toThrow(new Error(`names ${text}, ${mistake}`));
  });

  test.for([
    ["10.0.0.0/33", 32],
    ["2001:db8::/129", 128],
  ] as const)("%s has a prefix that is too long", ([text, bits]) => {
    const cure = "Write such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";
    expect(() => readNetwork(text)).toThrow(
      new Error(`names ${text}, but an address has no more than ${bits} bits. ${cure}`),
    );
  });

  test.for([
    "",
    "loopback",
    "10.0.0.0/",
    "10.0.0.0/08",
    "10.0.0.0/-1",
    "10.0.0.0/255.0.0.0",
    "10.0.0.0/8/8",
    "10/8",
    "1",
    "0x7f.1",
    "010.0.0.1",
    "192.0.2.256",
    "fe80::1%eth0",
    "[2001:db8::1]",
    "192.0.2.1:80",
  ])("%j is none", (text) => {
    expect(() => readNetwork(text)).toThrow(`names ${text}, which is neither an address nor a network. Write such as`);
  });

  test("is widened to one that holds it", () => {
    expect(widen(readNetwork("2001:db8:1:2:3::/80"), 64).text).toBe("2001:db8:1:2::/64");
    expect(widen(readNetwork("192.0.2.1"), 0).text).toBe("0.0.0.0/0");
  });
});

const table = createNetworkTable(
  ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32", "2001:db8:1::/48", "::1"].map((text) => [
    readNetwork(text),
    text,
  ]),
);

describe("a table", () => {
  test.for([
    ["10.2.3.4", "10.0.0.0/8"],
    ["10.1.3.4", "10.1.0.0/16"],
    ["10.1.2.3", "10.1.2.3"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["11.0.0.1", undefined],
    ["2001:db8:2::1", "2001:db8::/32"],
    ["2001:db8:1::1", "2001:db8:1::/48"],
    ["::1", "::1"],
    ["::2", undefined],
    ["fe80::1%eth0", undefined],
    ["", undefined],
    ["unknown", undefined],
    ["1", undefined],
  ] as const)("finds for %s the smallest network: %s", ([address, network]) => {
    expect(table.find(address)).toBe(network);
    expect(table.find(address)).toBe(network);
  });

  test("keeps the families apart: all of IPv6 holds no IPv4", () => {
    const everyV6 = createNetworkTable([[readNetwork("::/0"), true]]);
    expect(everyV6.find("192.0.2.1")).toBeUndefined();
    expect(everyV6.find("::ffff:192.0.2.1")).toBeUndefined();
    expect(everyV6.find("2001:db8::1")).toBe(true);
  });

  test("agrees with a comparison bit by bit", () => {
    const bits = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
    const few = fc.constantFrom(0, 1, 127, 128, 255);
    const address = fc.oneof(
      fc.tuple(...Array.from({ length: 4 }, () => few)),
      fc.tuple(...Array.from({ length: 16 }, () => few)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(address, fc.nat(128))), address, (networks, wanted) => {
        const known = networks.map(([bytes, length]) => {
          const prefix = length % (bytes.length * 8 + 1);
          return { start: bits(bytes).slice(0, prefix), bytes, prefix };
        });
        const built = createNetworkTable(
          known.map(({ start, bytes, prefix }) => [
            readNetwork(`${write(masked(bytes, prefix))}/${prefix}`),
            `${bytes.length} ${start}`,
          ]),
        );
        const expected = known
          .filter(({ start, bytes }) => bytes.length === wanted.length && bits(wanted).startsWith(start))
          .sort((one, other) => other.prefix - one.prefix)[0];
        expect(built.find(write(wanted))).toBe(expected && `${expected.bytes.length} ${expected.start}`);
      }),
      { numRuns: 500 },
    );
  });
});

function masked(bytes: readonly number[], prefix: number): number[] {
  return bytes.map((byte, at) => byte & (0xff00 >> Math.max(0, Math.min(8, prefix - at * 8))) & 0xff);
}

function write(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  const hex = Buffer.from(bytes).toString("hex");
  return hex.match(/.{4}/g)?.join(":") ?? "";
}
