// Revoked tokens at hand in memory: asked for once, told of changes, and never trusted while nothing is sure.

import { expect, test } from "vitest";
import { createRevocations } from "../../src/store/revocations.ts";

const NOW = 1_764_000_000_000;

function open() {
  const kept = new Set<string>();
  const state = { asked: 0, askedOne: 0, sure: true, gate: Promise.resolve() as Promise<unknown> };
  const revocations = createRevocations({
    revokedTokens: {
      async list() {
        state.asked++;
        const tokens = [...kept].map((jti) => ({ jti, expiresAt: NOW + 1 }));
        await state.gate;
        return tokens;
      },
      async has(jti) {
        state.askedOne++;
        return kept.has(jti);
      },
    },
    isSure: () => state.sure,
    now: () => NOW,
  });
  return { kept, state, revocations };
}

test("the store is asked once, by however many, and then answers without a promise", async () => {
  const { kept, state, revocations } = open();
  kept.add("a");
  expect(await Promise.all([revocations.isRevoked("a"), revocations.isRevoked("b")])).toEqual([true, false]);
  expect(state.asked).toBe(1);
  expect([revocations.isRevoked("a"), revocations.isRevoked("b")]).toEqual([true, false]);
});

test("one that is revoked is told of, and other changes are no matter", async () => {
  const { kept, state, revocations } = open();
  await revocations.isRevoked("a");
  kept.add("a");
  revocations.onChange(["device a", "customer a", "unknown", "signing-keys"]);
  expect(revocations.isRevoked("a")).toBe(false);
  revocations.onChange(["token a"]);
  expect(revocations.isRevoked("a")).toBe(true);
  expect(state.asked).toBe(1);
});

test("one that is revoked while the store is asked is not missed", async () => {
  const { kept, state, revocations } = open();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.gate = promise;
  const early = revocations.isRevoked("a");
  kept.add("a");
  revocations.onChange(["token a"]);
  resolve();
  await early;
  expect(await revocations.isRevoked("a")).toBe(true);
});

test("what cannot be told apart has all of them asked for again", async () => {
  const { kept, revocations } = open();
  await revocations.isRevoked("a");
  kept.add("a");
  revocations.onChange(["all"]);
  expect(await revocations.isRevoked("a")).toBe(true);
  kept.add("b");
  revocations.onUnsure();
  expect(await revocations.isRevoked("b")).toBe(true);
});

test("while nothing is sure the store is asked each time, for the one", async () => {
  const { kept, state, revocations } = open();
  await revocations.isRevoked("a");
  state.sure = false;
  kept.add("a");
  expect(await revocations.isRevoked("a")).toBe(true);
  kept.add("b");
  expect(await revocations.isRevoked("b")).toBe(true);
  expect([state.asked, state.askedOne]).toEqual([1, 2]);
});

test("of names that are told by the thousand the store is asked anew: most have expired meanwhile", async () => {
  const { kept, state, revocations } = open();
  await revocations.isRevoked("a");
  for (let place = 0; place < 1_000; place++) revocations.onChange([`token t-${place}`]);
  expect(revocations.isRevoked("t-999")).toBe(true);
  kept.add("last");
  revocations.onChange(["token last"]);
  expect(await revocations.isRevoked("last")).toBe(true);
  expect(await revocations.isRevoked("t-1")).toBe(false);
  expect(state.asked).toBe(2);
});

test("a failure is the answer of those who asked, and not kept", async () => {
  const { state, revocations } = open();
  state.gate = Promise.reject(new Error("away"));
  await expect(revocations.isRevoked("a")).rejects.toThrow("away");
  state.gate = Promise.resolve();
  expect(await revocations.isRevoked("a")).toBe(false);
});
