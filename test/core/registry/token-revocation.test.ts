// Until when tokens are taken back: exact within a millisecond, whatever comes in it.

import fc from "fast-check";
import { expect, test } from "vitest";
import { CLOCKS_APART_MS } from "../../../src/core/ports.ts";
import { revokedUntil } from "../../../src/core/registry/token-revocation.ts";

const NOW = 1_764_000_000_000;

test("is the next millisecond, and the one after that where that counts already", () => {
  expect(revokedUntil(0, NOW)).toBe(NOW + 1);
  expect(revokedUntil(NOW, NOW)).toBe(NOW + 1);
  expect(revokedUntil(NOW + 1, NOW)).toBe(NOW + 2);
});

test("that was set by a clock far ahead gives way", () => {
  expect(revokedUntil(NOW + CLOCKS_APART_MS + 1, NOW)).toBe(NOW + 1);
  expect(revokedUntil(NOW + CLOCKS_APART_MS, NOW)).toBe(NOW + CLOCKS_APART_MS);
});

test("logins and revocations in any order: a token is good exactly while none came after it", () => {
  const events = fc.array(fc.record({ after: fc.nat(3), revokes: fc.boolean() }), { maxLength: 40 });
  fc.assert(
    fc.property(events, (all) => {
      let now = NOW;
      let mark = 0;
      const tokens: { issuedAt: number; revoked: boolean }[] = [];
      for (const { after, revokes } of all) {
        now += after;
        if (revokes) {
          mark = revokedUntil(mark, now);
          for (const token of tokens) token.revoked = true;
        } else {
          // As core/tokens/signer.ts has it.
          tokens.push({ issuedAt: Math.max(now, mark), revoked: false });
        }
        for (const { issuedAt, revoked } of tokens) expect(issuedAt < mark).toBe(revoked);
      }
    }),
  );
});
