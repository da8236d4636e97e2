// KEY_ROTATION: how long a signing key signs.

import { expect, test } from "vitest";
import { testConfig } from "./gateway.ts";

const HOUR_MS = 3_600_000;
const read = (text: string | undefined) => testConfig({ DATA_DIR: "data", KEY_ROTATION: text }).keyRotationMs;

test.for([
  [undefined, 90 * 24 * HOUR_MS],
  ["1h", HOUR_MS],
  ["3650d", 3_650 * 24 * HOUR_MS],
  ["off", undefined],
] as const)("%s", ([text, ms]) => {
  expect(read(text)).toBe(ms);
});

test.for(["90", "3m", "1y", "-1d", "never", "1.5d"])("%s is none", (text) => {
  expect(() => read(text)).toThrow(
    "COUNTERSIGN_KEY_ROTATION is no time for a key to sign. Write a number and d or h, or off: 90d",
  );
});

test.for(["0d", "0h", "3651d"])("%s is out of range", (text) => {
  expect(() => read(text)).toThrow("COUNTERSIGN_KEY_ROTATION is out of range: 1h to 3650d, or off");
});
