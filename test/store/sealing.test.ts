// Sealing: values that can be opened, and the errors of others.

import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSealer, MASTER_KEY_BYTES, NewerSealError, SEALED_KEY_ID, SealError } from "../../src/store/sealing.ts";

const sealer = createSealer([randomBytes(MASTER_KEY_BYTES)]);
const CONTEXT = ["customer_key", "customer-1", "key-1", "login"];

const SECRET_NAME = "the sealed secret of customer_key customer-1 key-1 login";
const altered = (context: readonly string[]): SealError =>
  new SealError(
    `the sealed secret of ${context.join(" ")} was altered or moved to another row. Restore it from a backup`,
  );
const ALTERED = altered(CONTEXT).message;
const OTHER_KEY = `${SECRET_NAME} is sealed with another master key. Set COUNTERSIGN_MASTER_KEY to that key, or add it to COUNTERSIGN_OTHER_MASTER_KEYS`;
const TRUNCATED = `${SECRET_NAME} is truncated. Restore it from a backup`;

const bytes = fc.uint8Array({ maxLength: 300 });
const contexts = fc.array(fc.string(), { maxLength: 4 });

describe("a sealed secret", () => {
  test("opens to the same bytes, or to a key of them, for the same context, and stays unchanged", () => {
    fc.assert(
      fc.property(bytes, contexts, (plaintext, context) => {
        const sealed = sealer.seal(plaintext, context);
        const before = Buffer.from(sealed);
        expect(sealer.open(sealed, context)).toEqual(Buffer.from(plaintext));
        expect(sealer.openKey(sealed, context).export()).toEqual(Buffer.from(plaintext));
        expect(sealed).toEqual(before);
      }),
    );
    expect(() => sealer.openKey(sealer.seal(Buffer.from("secret"), ["a"]), ["b"])).toThrow(altered(["b"]));
  });

  test("opens for no other context, however its parts are joined", () => {
    fc.assert(
      fc.property(bytes, contexts, contexts, (plaintext, context, other) => {
        fc.pre(JSON.stringify(context) !== JSON.stringify(other));
        expect(() => sealer.open(sealer.seal(plaintext, context), other)).toThrow(altered(other));
      }),
    );
    const sealed = sealer.seal(Buffer.from("secret"), ["ab", "c"]);
    for (const other of [["a", "bc"], ["abc"], ["ab", "c", ""], ['ab","c']]) {
      expect(() => sealer.open(sealed, other)).toThrow(altered(other));
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

  test("with any bit changed gives an error and never other bytes", () => {
    const sealed = sealer.seal(Buffer.from("secret"), CONTEXT);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(sealed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => sealer.open(changed, CONTEXT)).toThrow(SealError);
    }
  });

  test("cut short anywhere, or made longer, gives an error", () => {
    const sealed = sealer.seal(Buffer.from("secret"), CONTEXT);
    for (let length = 0; length < sealed.length; length++) {
      expect(() => sealer.open(sealed.subarray(0, length), CONTEXT)).toThrow(
        new SealError(length < 37 ? TRUNCATED : ALTERED),
      );
    }
    expect(() => sealer.open(Buffer.concat([sealed, Buffer.of(0)]), CONTEXT)).toThrow(new SealError(ALTERED));
  });

  test("a secret of a newer version gets an error that says so", () => {
    const sealed = sealer.seal(Buffer.from("secret"), CONTEXT);
    sealed[0] = 2;
    const newer = new NewerSealError(`${SECRET_NAME} has version 2. A newer gateway wrote it`);
    expect(() => sealer.open(sealed, CONTEXT)).toThrow(newer);
    expect(() => sealer.open(sealed, CONTEXT)).toThrow(NewerSealError);
  });
});

describe("several master keys", () => {
  const old = Buffer.alloc(MASTER_KEY_BYTES, 1);
  const current = Buffer.alloc(MASTER_KEY_BYTES, 2);
  const stranger = Buffer.alloc(MASTER_KEY_BYTES, 3);
  const sealedWithOld = createSealer([old]).seal(Buffer.from("secret"), CONTEXT);

  test("the first seals, each opens its own secrets", () => {
    const both = createSealer([current, old]);
    expect(both.open(sealedWithOld, CONTEXT).toString()).toBe("secret");
    const sealed = both.seal(Buffer.from("another"), CONTEXT);
    expect(createSealer([current]).open(sealed, CONTEXT).toString()).toBe("another");
    expect(() => createSealer([old]).open(sealed, CONTEXT)).toThrow(new SealError(OTHER_KEY));
    expect([both.sealedWithFirst(sealed), both.sealedWithFirst(sealedWithOld)]).toEqual([true, false]);
  });

  test("only the named key is tried", () => {
    const both = createSealer([current, old]);
    const renamed = Buffer.from(sealedWithOld);
    both.seal(Buffer.from(""), CONTEXT).copy(renamed, 1, 1, 9);
    expect(() => both.open(renamed, CONTEXT)).toThrow(new SealError(ALTERED));
    const unknown = createSealer([stranger]).seal(Buffer.from("secret"), CONTEXT);
    expect(() => both.open(unknown, CONTEXT)).toThrow(new SealError(OTHER_KEY));
  });

  test("each sealed secret begins with the id of its master key", () => {
    const idOf = (sealed: Buffer): Buffer =>
      sealed.subarray(SEALED_KEY_ID.from - 1, SEALED_KEY_ID.from - 1 + SEALED_KEY_ID.bytes);
    const [first, other] = createSealer([current, old]).keyIds;
    expect(idOf(sealedWithOld)).toEqual(other);
    expect(idOf(createSealer([current]).seal(Buffer.from(""), CONTEXT))).toEqual(first);
  });

  test("bytes too short to name a key do not count as sealed with the first key", () => {
    for (let length = 0; length < 9; length++) {
      expect(createSealer([old]).sealedWithFirst(sealedWithOld.subarray(0, length))).toBe(false);
    }
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
