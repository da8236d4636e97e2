// The settings of the listeners: connections and host names, their defaults and the message for each mistake.

import { describe, expect, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { testConfig } from "./gateway.ts";
import { mistakesOf } from "./settings-mistakes.ts";

const DATA_DIR = "unused";

test("the defaults are 10,000 connections, 1,000 of an address, and no further host names", () => {
  const expected = { maxConnections: 10_000, maxConnectionsPerAddress: 1_000, internalHosts: [] };
  expect(testConfig({ DATA_DIR })).toMatchObject(expected);
});

describe.each(["MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_ADDRESS"])("%s", (name) => {
  const read = (text: string): number => {
    const { maxConnections, maxConnectionsPerAddress } = testConfig({ DATA_DIR, [name]: text });
    return name === "MAX_CONNECTIONS" ? maxConnections : maxConnectionsPerAddress;
  };

  test.for(["1", "250000", "1000000"])("%s is taken as it is", (text) => {
    expect(read(text)).toBe(Number(text));
  });

  test.for(["0", "-1", "1.5", "1e3", "10,000", "off", "1000001"])("%j is a mistake", (text) => {
    expect(mistakesOf({ [name]: text })).toEqual([
      `COUNTERSIGN_${name} is not a number of connections. Write a whole number from 1 to 1000000`,
    ]);
  });
});

describe("INTERNAL_HOSTS", () => {
  test("holds names in lower case, without a trailing dot", () => {
    const { internalHosts } = testConfig({
      DATA_DIR,
      INTERNAL_HOSTS: "Gateway.Internal, countersign_1,a-b.svc.local.",
    });
    expect(internalHosts).toEqual(["gateway.internal", "countersign_1", "a-b.svc.local"]);
  });

  const WRITE = "which is not a host name. Write such as gateway.internal, without a port";
  test.for([
    ["gateway:9090", `names gateway:9090, ${WRITE}`],
    ["gateway,http://gateway", `names http://gateway, ${WRITE}`],
    ["*.internal", `names *.internal, ${WRITE}`],
    ["a..b", `names a..b, ${WRITE}`],
    ["-a", `names -a, ${WRITE}`],
    [".", `names ., ${WRITE}`],
    [`${"a".repeat(64)}.b`, `names ${"a".repeat(64)}.b, ${WRITE}`],
    ["gateway,", "has an empty entry. Remove the extra comma"],
  ] as const)("%j is a mistake", ([INTERNAL_HOSTS, mistake]) => {
    expect(mistakesOf({ INTERNAL_HOSTS })).toEqual([`COUNTERSIGN_INTERNAL_HOSTS ${mistake}`]);
  });
});

test("every mistake is reported at once", () => {
  expect(mistakesOf({ MAX_CONNECTIONS: "0", MAX_CONNECTIONS_PER_ADDRESS: "0", INTERNAL_HOSTS: "a b" })).toHaveLength(3);
});

test.for([
  ["MAX_CONNECTION", "MAX_CONNECTIONS"],
  ["MAX_CONNECTIONS_PER_ADRESS", "MAX_CONNECTIONS_PER_ADDRESS"],
  ["INTERNAL_HOST", "INTERNAL_HOSTS"],
] as const)("suggests the setting for the misspelt %s", ([misspelt, name]) => {
  expect(() => readConfig({ [`COUNTERSIGN_${misspelt}`]: "1" }, { dev: true })).toThrow(
    `COUNTERSIGN_${misspelt} is not a setting. Did you mean COUNTERSIGN_${name}?`,
  );
});
