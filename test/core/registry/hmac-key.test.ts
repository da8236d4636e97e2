// When HMAC takes two keys for one, held against HMAC itself.

import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isSameToHmac } from "../../../src/core/registry/hmac-key.ts";

const mac = (key: Uint8Array): string => createHmac("sha256", key).update("message").digest("hex");
const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
const LONG = Buffer.alloc(65, "x");

test.for([
  ["abc", "abc", true],
  ["abc", "abc\0", true],
  ["abc\0", "abc\0\0\0", true],
  ["a".repeat(63), `${"a".repeat(63)}\0`, true],
  ["abc", "\0abc", false],
  ["abc", "abd", false],
  ["a".repeat(64), `${"a".repeat(64)}\0`, false],
  ["", "\0", true],
] as const)("%j and %j: %s", ([one, other, sameness]) => {
  expect(isSameToHmac(Buffer.from(one), Buffer.from(other))).toBe(sameness);
});

test("a key over a block is taken for its hash, and for that with zero bytes at the end", () => {
  const hash = sha256(LONG);
  expect(isSameToHmac(LONG, hash)).toBe(true);
  expect(isSameToHmac(hash, LONG)).toBe(true);
  expect(isSameToHmac(LONG, Buffer.concat([hash, Buffer.alloc(7)]))).toBe(true);
  expect(isSameToHmac(LONG, Buffer.alloc(66, "x"))).toBe(false);
});

test("says so exactly when HMAC does", () => {
  const keys = fc.uint8Array({ maxLength: 80 });
  const near = keys.chain((key) =>
    fc
      .constantFrom(Buffer.concat([key, Buffer.alloc(3)]), sha256(key), key, Buffer.from(key).subarray(0, -1))
      .map((other) => [key, other] as const),
  );
  fc.assert(
    fc.property(fc.oneof(near, fc.tuple(keys, keys)), ([one, other]) => {
      expect(isSameToHmac(one, other)).toBe(mac(one) === mac(other));
    }),
    { numRuns: 2_000 },
  );
});
