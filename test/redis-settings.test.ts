// The settings of Redis: what they hold, and what is said of mistakes.

import { describe, expect, test } from "vitest";
import { testConfig } from "./gateway.ts";
import { mistakesOf } from "./settings-mistakes.ts";

const DATA_DIR = "data";
const REDIS_URL = "redis://127.0.0.1";

test("without them one gateway decides alone while Redis is away, and Redis's clock counts", () => {
  expect(testConfig({ DATA_DIR })).toMatchObject({ redisDown: "local", redisClock: "redis", instances: 1 });
});

test("they are taken as they are", () => {
  const config = testConfig({ DATA_DIR, REDIS_URL, REDIS_DOWN: "deny", REDIS_CLOCK: "gateway", INSTANCES: "12" });
  expect(config).toMatchObject({ redisDown: "deny", redisClock: "caller", instances: 12 });
});

describe("a mistake is told, with its cure", () => {
  const instances = "COUNTERSIGN_INSTANCES is no number of gateways. Write a whole number from 1 to 99999";
  test.for([
    [{ REDIS_DOWN: "open" }, "COUNTERSIGN_REDIS_DOWN is none of local, deny, allow"],
    [
      { REDIS_CA: "/nowhere" },
      "COUNTERSIGN_REDIS_CA is /nowhere, which cannot be read (ENOENT). Set it to the path of a file in PEM",
    ],
    [{ REDIS_CLOCK: "ours" }, "COUNTERSIGN_REDIS_CLOCK is neither redis nor gateway"],
    ...["0", "-1", "2.5", "two", "100000"].map((text) => [{ INSTANCES: text }, instances] as const),
  ] as const)("%j", ([settings, mistake]) => {
    expect(mistakesOf({ REDIS_URL, ...settings })).toEqual([mistake]);
  });

  test.for([{ REDIS_DOWN: "deny" }, { REDIS_CLOCK: "gateway" }, { INSTANCES: "2" }])("%j alone", (settings) => {
    const [name] = Object.keys(settings);
    expect(mistakesOf(settings)).toEqual([
      `COUNTERSIGN_${name} has no effect without COUNTERSIGN_REDIS_URL. Set that, or leave COUNTERSIGN_${name} out`,
    ]);
  });
});
