// When HMAC takes two keys for one, held against HMAC itself.

import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { samenessOf } from "../../../src/core/registry/hmac-key.ts";

const mac = (key: Uint8Array): string => createHmac("sha256", key).update("message").digest("hex");
const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
const LONG = Buffer.alloc(65, "x");

test.for([
  ["abc", "abc", "they are the same"],
  ["abc", "abc\0", "they differ in zero bytes at the end alone"],
  ["abc\0", "abc\0\0\0", "they differ in zero bytes at the end alone"],
  ["a".repeat(63), `${"a".repeat(63)}\0`, "they differ in zero bytes at the end alone"],
  ["abc", "\0abc", undefined],
  ["abc", "abd", undefined],
  ["a".repeat(64), `${"a".repeat(64)}\0`, undefined],
  ["", "\0", "they differ in zero bytes at the end alone"],
] as const)("%j and %j: %s", ([one, other, sameness]) => {
  expect(samenessOf(Buffer.from(one), Buffer.from(other))).toBe(sameness);
});

test("a key over a block is taken for its hash, and for that with zero bytes at the end", () => {
  const hash = sha256(LONG);
  expect(samenessOf(LONG, hash)).toBe("one is the hash of the other");
  expect(samenessOf(hash, LONG)).toBe("one is the hash of the other");
  expect(samenessOf(LONG, Buffer.concat([hash, Buffer.alloc(7)]))).toBe("one is the hash of the other");
  expect(samenessOf(LONG, Buffer.alloc(66, "x"))).toBeUndefined();
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
      expect(samenessOf(one, other) !== undefined).toBe(mac(one) === mac(other));
    }),
    { numRuns: 2_000 },
  );
});
