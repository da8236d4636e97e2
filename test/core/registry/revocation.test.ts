// The epochs of tokens: a revocation ends every earlier token.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { RevocationMarks } from "../../../src/core/ports.ts";
import { epochOf, markRevocation, nameToken, readEpoch } from "../../../src/core/registry/revocation.ts";
import { NOW } from "../../contracts/store-samples.ts";

const MARKS: RevocationMarks = { customerId: "acme", createdAt: NOW, device: 0, customer: 0 };

test("a revocation mark is the time, and always differs from the last one", () => {
  expect(markRevocation(0, NOW)).toBe(NOW);
  expect(markRevocation(NOW, NOW)).toBe(NOW + 1);
  expect(markRevocation(NOW + 86_400_000, NOW)).toBe(NOW + 86_400_001);
});

test("a token is valid until the next revocation, for logins and revocations in any order and by any clocks", () => {
  const event = fc.record({
    what: fc.constantFrom("login", "login", "device", "customer", "anew"),
    // The clock of another gateway, hours apart and frozen.
    clock: fc.integer({ min: -2, max: 2 }).map((hours) => NOW + hours * 3_600_000),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      let marks = MARKS;
      const tokens: { jti: string; revoked: boolean }[] = [];
      for (const [index, { what, clock }] of events.entries()) {
        if (what === "login") {
          tokens.push({ jti: nameToken(epochOf(marks)), revoked: false });
        } else {
          // A device that is enrolled again after its deletion has another creation time, by either clock.
          if (what === "anew") marks = { ...marks, createdAt: clock + index, device: 0 };
          else marks = { ...marks, [what]: markRevocation(marks[what], clock) };
          for (const token of tokens) token.revoked = true;
        }
        for (const { jti, revoked } of tokens) expect(readEpoch(jti) === epochOf(marks)).toBe(!revoked);
      }
    }),
  );
});

test("a jti of another form has no epoch", () => {
  for (const jti of ["c2F5IGZyaWVuZCBh", "a".repeat(21), `${"a".repeat(19)}!`]) expect(readEpoch(jti)).toBeUndefined();
});

test("no two tokens of one epoch have the same jti", () => {
  const epoch = epochOf(MARKS);
  const names = Array.from({ length: 2_000 }, () => nameToken(epoch));
  expect(new Set(names).size).toBe(2_000);
  for (const name of names) expect(readEpoch(name)).toBe(epoch);
});
