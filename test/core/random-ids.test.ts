// Random ids: how long they are, what they are made of, and that none shares a byte with another.

import { describe, expect, test } from "vitest";
import { createRandomIds } from "../../src/core/random-ids.ts";

const take = (bytes: number, count: number): string[] => Array.from({ length: count }, createRandomIds(bytes));

describe("random ids", () => {
  test.for([1, 8, 9, 16, 32, 100])("%s bytes give base64url of that many bytes, without padding", (bytes) => {
    for (const id of take(bytes, 2_000)) {
      expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(id).toHaveLength(Math.ceil((bytes * 8) / 6));
      expect(Buffer.from(id, "base64url")).toHaveLength(bytes);
    }
  });

  test("are distinct over many, and over many makers", () => {
    const ids = [...take(9, 50_000), ...take(9, 50_000)];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.for([9, 16, 33])("ids of %s bytes do not overlap: no eight bytes in a row appear twice", (bytes) => {
    const runs = take(bytes, 3_000).flatMap((id) => {
      const raw = Buffer.from(id, "base64url");
      return Array.from({ length: bytes - 7 }, (_, at) => raw.toString("hex", at, at + 8));
    });
    expect(new Set(runs).size).toBe(runs.length);
  });

  test("take every value of a byte", () => {
    const seen = new Set(take(1, 20_000).map((id) => Buffer.from(id, "base64url")[0]));
    expect(seen.size).toBe(256);
  });
});
