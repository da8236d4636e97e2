// Sealing: values that can be opened, and the errors of others.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSealer, MASTER_KEY_BYTES, NewerSealError, SEALED_KEY_ID, SealError } from "../../src/store/sealing.ts";

const keyOf = (byte: number): Buffer => Buffer.alloc(MASTER_KEY_BYTES, byte);
const [current, old, stranger] = [keyOf(1), keyOf(2), keyOf(3)] as const;
const sealer = createSealer([current]);
const CONTEXT = ["customer_key", "customer-1", "key-1", "login"];
const sealed: Uint8Array = sealer.seal(Buffer.from("secret"), CONTEXT);

const named = (context: readonly string[], what: string): SealError =>
  new SealError(`the sealed secret of ${context.join(" ")} ${what}`);
const altered = (context = CONTEXT): SealError =>
  named(context, "was altered or moved to another row. Restore it from a backup");
const TRUNCATED = named(CONTEXT, "is truncated. Restore it from a backup");
const CURE = "Set COUNTERSIGN_MASTER_KEY to that key, or add it to COUNTERSIGN_OTHER_MASTER_KEYS";
const OTHER_KEY = named(CONTEXT, `is sealed with another master key. ${CURE}`);

const bytes = fc.uint8Array({ maxLength: 300 });
const contexts = fc.array(fc.string(), { maxLength: 4 });

describe("a sealed secret", () => {
  test("opens to the same bytes, or to a key of them, for the same context, and stays unchanged", () => {
    fc.assert(
      fc.property(bytes, contexts, (plaintext, context) => {
        const one = sealer.seal(plaintext, context);
        const before = Buffer.from(one);
        expect(sealer.open(one, context)).toEqual(Buffer.from(plaintext));
        expect(sealer.openKey(one, context).export()).toEqual(Buffer.from(plaintext));
        expect(one).toEqual(before);
      }),
    );
    expect(() => sealer.openKey(sealed, ["b"])).toThrow(altered(["b"]));
  });

  test("opens for no other context, however its parts are joined", () => {
    fc.assert(
      fc.property(contexts, contexts, (context, other) => {
        fc.pre(JSON.stringify(context) !== JSON.stringify(other));
        expect(() => sealer.open(sealer.seal(Buffer.from("secret"), context), other)).toThrow(altered(other));
      }),
    );
    const joined = sealer.seal(Buffer.from("secret"), ["ab", "c"]);
    for (const other of [["a", "bc"], ["abc"], ["ab", "c", ""], ['ab","c']]) {
      expect(() => sealer.open(joined, other)).toThrow(altered(other));
    }
  });

  test("does not contain its plaintext, and differs at each sealing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 100 }), (plaintext) => {
        const [one, other] = [sealer.seal(plaintext, CONTEXT), sealer.seal(plaintext, CONTEXT)];
        expect(one.includes(Buffer.from(plaintext))).toBe(false);
        expect(one).not.toEqual(other);
      }),
    );
  });

  test("with any bit changed, cut short anywhere, or made longer, gives an error", () => {
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => sealer.open(changed, CONTEXT)).toThrow(SealError);
    }
    for (let length = 0; length < sealed.length; length++) {
      const short = sealed.subarray(0, length);
      expect(() => sealer.open(short, CONTEXT)).toThrow(length < 37 ? TRUNCATED : altered());
      // Too short to name a master key.
      if (length < 9) expect(sealer.sealedWithFirst(short)).toBe(false);
    }
    expect(() => sealer.open(Buffer.concat([sealed, Buffer.of(0)]), CONTEXT)).toThrow(altered());
  });

  test("that a newer gateway sealed gets an error that says so", () => {
    const newer = Buffer.concat([Buffer.of(2), sealed.subarray(1)]);
    const { message } = named(CONTEXT, "has version 2. A newer gateway wrote it");
    expect(() => sealer.open(newer, CONTEXT)).toThrow(new NewerSealError(message));
    expect(() => sealer.open(newer, CONTEXT)).toThrow(NewerSealError);
  });
});

describe("several master keys", () => {
  const both = createSealer([current, old]);
  const sealedWithOld = createSealer([old]).seal(Buffer.from("secret"), CONTEXT);

  test("the first seals, each opens its own secrets", () => {
    expect(both.open(sealedWithOld, CONTEXT).toString()).toBe("secret");
    const one = both.seal(Buffer.from("another"), CONTEXT);
    expect(sealer.open(one, CONTEXT).toString()).toBe("another");
    expect(() => createSealer([old]).open(one, CONTEXT)).toThrow(OTHER_KEY);
    expect([both.sealedWithFirst(one), both.sealedWithFirst(sealedWithOld)]).toEqual([true, false]);
  });

  test("a secret begins with the id of its master key, and only that key is tried", () => {
    const idOf = (one: Uint8Array): Uint8Array =>
      one.subarray(SEALED_KEY_ID.from - 1, SEALED_KEY_ID.from - 1 + SEALED_KEY_ID.bytes);
    expect(both.keyIds).toEqual([Buffer.from(idOf(sealed)), idOf(sealedWithOld)]);
    const renamed = Buffer.from(sealedWithOld);
    renamed.set(idOf(sealed), SEALED_KEY_ID.from - 1);
    expect(() => both.open(renamed, CONTEXT)).toThrow(altered());
    const unknown = createSealer([stranger]).seal(Buffer.from("secret"), CONTEXT);
    expect(() => both.open(unknown, CONTEXT)).toThrow(OTHER_KEY);
  });

  test("no key, one of another length, and the same key twice are errors", () => {
    const twice = "two master keys have the same id: they are equal, or one has to be replaced";
    expect(() => createSealer([])).toThrow(new RangeError("a sealer needs a master key"));
    expect(() => createSealer([old, current, old])).toThrow(new RangeError(twice));
    for (const length of [0, 16, 31, 33, 64]) {
      expect(() => createSealer([Buffer.alloc(length)])).toThrow(new RangeError("a master key has 32 bytes"));
    }
  });
});
