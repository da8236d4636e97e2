// What operators ask for with `rotate`: the next key signs, at once or once it was published for long enough, and once for all who ask.

import { describe, expect, test } from "vitest";
import { SEEN_MS } from "../../../src/core/registry/ports.ts";
import type { SigningKeyStore } from "../../../src/core/tokens/ports.ts";
import { PUBLISH_MS } from "../../../src/core/tokens/rotation.ts";
import { createSigningKeys, type SigningKeys } from "../../../src/core/tokens/signing-keys.ts";
import { ACTOR } from "../../contracts/store-samples.ts";
import { newKey, type Office, openOffice } from "../../keyring/office.ts";
import { NOW, openRing, RULES } from "../../keyring/ring.ts";

test("a next key that was published for long enough signs at once", async () => {
  const { keys, clock, published, notes } = await openOffice();
  const [first, second] = published();
  clock.now += PUBLISH_MS;
  const { active, next, rotationTime } = await keys.rotate(false, ACTOR);
  expect([active.kid, rotationTime]).toEqual([second, undefined]);
  expect(published()).toEqual([second, next.kid, first]);
  expect(await notes()).toEqual([
    ["CreateSigningKey", `signing-keys/${next.kid}`, { alg: "ES256" }],
    ["RotateSigningKey", `signing-keys/${second}`, { in_place_of: first }],
  ]);
});

test("one that was not is noted to sign once it was, by whichever gateway is there then", async () => {
  const { opened, keys, clock, published, notes, ring } = await openOffice({ rotateEveryMs: undefined });
  const [first, second] = published();
  clock.now += 1_000;
  for (let time = 0; time < 2; time++) {
    expect(await keys.rotate(false, ACTOR)).toMatchObject({
      active: { kid: first, rotationTime: NOW + PUBLISH_MS },
      next: { kid: second },
      rotationTime: NOW + PUBLISH_MS,
    });
  }
  expect(await notes()).toEqual([
    [
      "PlanSigningKeyRotation",
      `signing-keys/${second}`,
      { in_place_of: first, due: new Date(NOW + PUBLISH_MS).toISOString() },
    ],
  ]);
  const elsewhere = { now: () => NOW + PUBLISH_MS, rotateEveryMs: undefined };
  const other = await openRing((await opened.reopen()).signingKeys, elsewhere);
  expect(other.active()?.kid).toBe(second);
  await ring.refresh();
  expect(ring.active()?.kid).toBe(second);
});

test("told not to wait, what is published signs at once", async () => {
  const { keys, clock, published } = await openOffice();
  const [first, second] = published();
  clock.now += SEEN_MS;
  expect(await keys.rotate(true, ACTOR)).toMatchObject({ active: { kid: second }, rotationTime: undefined });
  expect(published()).toEqual([second, expect.any(String), first]);
});

test("told not to wait, what some gateway may not have published yet waits all the same", async () => {
  const { keys, clock, published } = await openOffice();
  clock.now += SEEN_MS - 1;
  const [first, second] = published();
  expect(await keys.rotate(true, ACTOR)).toMatchObject({
    active: { kid: first },
    next: { kid: second },
    rotationTime: NOW + PUBLISH_MS,
  });
  clock.now += 1;
  expect(await keys.rotate(true, ACTOR)).toMatchObject({ active: { kid: second }, rotationTime: undefined });
});

test("a next key that does not open does not replace the active one", async () => {
  const { opened, clock, keys, published, ring } = await openOffice();
  const before = published();
  await opened.database.db
    .updateTable("signing_keys")
    .set({ sealed_private_key: Buffer.alloc(3) })
    .where("kid", "=", before[1] ?? "")
    .execute();
  clock.now += PUBLISH_MS;
  await expect(keys.rotate(true, ACTOR)).rejects.toThrow("signing_key");
  await ring.refresh();
  expect(published()).toEqual(before);
});

test.for([false, true])(
  "of all who ask at once, at any gateway, each is told of the same rotation (now: %s)",
  async (atOnce) => {
    const { opened, keys, clock, ring, published, notes } = await openOffice();
    const [first, second] = published();
    clock.now += PUBLISH_MS;
    const store = (await opened.reopen()).signingKeys;
    const other = createSigningKeys({ store, ring, rules: RULES, now: () => clock.now });
    const told = await Promise.all([keys, other, keys, other].map((each) => each.rotate(atOnce, ACTOR)));
    const next = published()[1];
    expect(published()).toEqual([second, next, first]);
    for (const rotation of told) {
      expect(rotation).toMatchObject({ active: { kid: second }, next: { kid: next }, rotationTime: undefined });
    }
    expect(await notes()).toHaveLength(2);
  },
);

describe("what comes between the wish and the change", () => {
  /** Those of the office, but that somebody else does something between what they read and what they change. */
  function interrupted({ opened, ring, clock }: Office, act: () => Promise<unknown>): SigningKeys {
    const { signingKeys } = opened.store;
    const store: SigningKeyStore = {
      ...signingKeys,
      async change(decide) {
        await act();
        await signingKeys.change(decide);
      },
    };
    return createSigningKeys({ store, ring, rules: RULES, now: () => clock.now });
  }

  test.for([false, true])("a rotation by schedule is the one that was wished for (now: %s)", async (atOnce) => {
    const office = await openOffice();
    const { clock, opened, published } = office;
    const [first, second] = published();
    clock.now += PUBLISH_MS;
    const keys = interrupted(office, () =>
      openRing(opened.store.signingKeys, { now: () => clock.now, rotateEveryMs: 1 }),
    );
    expect(await keys.rotate(atOnce, ACTOR)).toMatchObject({ active: { kid: second }, rotationTime: undefined });
    expect(published()).toEqual([second, expect.any(String), first]);
  });

  test.for([
    ["made because the one before was revoked", (keys: SigningKeys, next: string) => keys.revoke(next, ACTOR)],
    ["imported", (keys: SigningKeys) => keys.import({ privateKey: newKey(), kid: "new", asNext: true }, ACTOR)],
  ] as const)("a next key that was %s is published first, though it is to sign now", async ([, act]) => {
    const office = await openOffice();
    const { clock, opened, published, ring } = office;
    const [first, second = ""] = published();
    clock.now += PUBLISH_MS;
    // By a clock that is so far behind that it does not look new.
    const store = opened.store.signingKeys;
    const behind = createSigningKeys({ store, ring, rules: RULES, now: () => clock.now - 2 * SEEN_MS });
    const keys = interrupted(office, () => act(behind, second));
    const { active, next, rotationTime } = await keys.rotate(true, ACTOR);
    expect([active.kid, rotationTime]).toEqual([first, next.createdAt + PUBLISH_MS]);
    expect(next.kid).not.toBe(second);
  });
});
