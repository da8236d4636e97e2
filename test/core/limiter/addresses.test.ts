// Networks: parsing, look-up, and the address limit of each address.

import { describe, expect, test } from "vitest";
import {
  createAddressLimits,
  createNetworkTable,
  readLimitedNetwork,
  readNetwork,
} from "../../../src/core/limiter/addresses.ts";
import type { Policy } from "../../../src/core/ports.ts";

describe("a network", () => {
  test.for([
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["192.0.2.1", "192.0.2.1/32"],
    ["2001:DB8::/32", "2001:db8::/32"],
    ["::/0", "::/0"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["::ffff:10.1.2.3", "10.1.2.3/32"],
  ] as const)("%s is read as %s", ([text, network]) => {
    expect(readNetwork(text).text).toBe(network);
  });

  const EXAMPLES = "Write for example 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";
  const IN_10 = "an address in the network 10.0.0.0/8. Write that, or 10.0.0.1 alone";
  const words = ["", "loopback", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/8/8", "10/8", "1", "0x7f.1"];
  test.for([
    ...[...words, "fe80::1%eth0", "192.0.2.1:80"].map(
      (text) => [text, `which is neither an address nor a network. ${EXAMPLES}`] as const,
    ),
    ["10.0.0.1/8", IN_10],
    ["::ffff:10.0.0.1/104", IN_10],
    ["10.0.0.0/33", `but an address has no more than 32 bits. ${EXAMPLES}`],
    ["2001:db8:0:1::/65", "but IPv6 addresses count by /64. Write 2001:db8:0:1::/64"],
    ["2001:db8:0:1:2::1", "but IPv6 addresses count by /64. Write 2001:db8:0:1::/64"],
  ] as const)("the mistake in %j is named, where the network is to have a limit of its own", ([text, mistake]) => {
    expect(() => readLimitedNetwork(text)).toThrow(new Error(`names ${text}, ${mistake}`));
  });
});

test("a table of networks separates IPv4 from IPv6, and finds nothing for a text that is not an address", () => {
  const everyV6 = createNetworkTable([[readNetwork("::/0"), true]]);
  const addresses = ["2001:db8::1", "192.0.2.1", "::ffff:192.0.2.1", "fe80::1%eth0", "unknown", ""];
  expect(addresses.filter(everyV6)).toEqual(["2001:db8::1"]);
});

const policy = (limit: number): Policy => ({ name: "address", limit, windowMs: 60_000 });
const [usual, wide, narrow] = [policy(6_000), policy(60_000), policy(60)];
const overrides = {
  "10.0.0.0/8": wide,
  "10.1.0.0/16": narrow,
  "2001:db8::/32": undefined,
  "2001:db8:1:2::/64": narrow,
  "198.51.100.128/25": wide,
};
const limitOf = createAddressLimits(
  usual,
  Object.entries(overrides).map(([network, policy]) => ({ network: readLimitedNetwork(network), policy })),
);

test.for([
  ["192.0.2.1", usual],
  ["10.2.0.1", wide],
  ["10.1.0.1", narrow],
  ["198.51.100.127", usual],
  ["198.51.100.255", wide],
  ["2001:db8:3::/64", undefined],
  ["2001:db8:1:2::/64", narrow],
  ["unknown", usual],
] as const)("the address limit of %s is that of the smallest network", ([address, expected]) => {
  expect(limitOf(address)).toBe(expected);
});
