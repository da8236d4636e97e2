// What becomes of a next key that has not signed: which gateway may put another in its place, and that it is told.

import { expect, test } from "vitest";
import { GATEWAY, SEEN_MS } from "../../../src/core/registry/ports.ts";
import { PUBLISH_MS } from "../../../src/core/tokens/rotation.ts";
import { ACTOR, FIRST } from "../../contracts/store-samples.ts";
import { newKey, type Office, openOffice } from "../../keyring/office.ts";
import { openRing } from "../../keyring/ring.ts";

const EDDSA = { alg: "EdDSA" } as const;

/** The kids and algorithms that are published once another gateway has started by other settings: the active one first. */
async function startOther({ opened, clock }: Office, rules: typeof EDDSA | Record<string, never> = EDDSA) {
  const ring = await openRing((await opened.reopen()).signingKeys, { now: () => clock.now, ...rules });
  return ring.published().map(({ kid, alg }) => [kid, alg]);
}

async function removals({ opened }: Office): Promise<readonly unknown[]> {
  const { items } = await opened.store.audit.list(FIRST);
  return items
    .filter(({ action }) => action === "RemoveSigningKey")
    .map(({ resource, actor, details }) => [resource, actor.tokenId, details]);
}

test("one of another TOKEN_ALG gives way at the start, which is told", async () => {
  const office = await openOffice();
  const [first, second] = office.published();
  expect(await startOther(office)).toEqual([
    [first, "ES256"],
    [expect.any(String), "EdDSA"],
  ]);
  expect(await removals(office)).toEqual([
    [`signing-keys/${second}`, GATEWAY.tokenId, { state: "next", because: "other_algorithm" }],
  ]);
});

test("one that was imported signs first, whatever TOKEN_ALG says, which counts at the start after that", async () => {
  const office = await openOffice();
  const { keys, clock, published } = office;
  const [first] = published();
  await keys.import({ privateKey: newKey(), kid: "pinned", asNext: true }, ACTOR);
  const told = await removals(office);
  expect(await startOther(office)).toEqual([
    [first, "ES256"],
    ["pinned", "ES256"],
  ]);
  expect((await keys.list()).find(({ state }) => state === "active")?.rotateAt).toBeUndefined();
  clock.now += SEEN_MS;
  await keys.rotate(true, ACTOR);
  const [, third] = published();
  expect(await removals(office)).toEqual(told);
  expect((await startOther(office)).slice(0, 2)).toEqual([
    ["pinned", "ES256"],
    [expect.any(String), "EdDSA"],
  ]);
  expect((await removals(office))[0]).toEqual([`signing-keys/${third}`, GATEWAY.tokenId, expect.anything()]);
});

test("one that a rotation is planned to signs, whatever TOKEN_ALG says", async () => {
  const office = await openOffice();
  const [first, second] = office.published();
  await office.keys.rotate(false, ACTOR);
  office.clock.now += PUBLISH_MS - 1;
  expect(await startOther(office)).toEqual([
    [first, "ES256"],
    [second, "ES256"],
  ]);
  expect(await removals(office)).toEqual([]);
  office.clock.now += 1;
  await office.ring.keepUp();
  expect(office.published().slice(0, 1)).toEqual([second]);
});

test("a change of TOKEN_ALG is not undone by a gateway that starts with the one of before", async () => {
  const office = await openOffice();
  const changed = await startOther(office);
  expect(await startOther(office, {})).toEqual(changed);
});

test("of a mistaken change of TOKEN_ALG it is revoked, and the next one is of the algorithm of whoever does that", async () => {
  const office = await openOffice();
  const [, [mistaken = ""] = []] = await startOther(office);
  await startOther(office, {});
  await office.keys.revoke(String(mistaken), ACTOR);
  expect((await startOther(office, {})).map(([, alg]) => alg)).toEqual(["ES256", "ES256"]);
});

test("one gives way to another that is imported, which is told", async () => {
  const office = await openOffice();
  const [, second] = office.published();
  await office.keys.import({ privateKey: newKey(), kid: "new", asNext: true }, ACTOR);
  expect(await office.notes()).toEqual([
    ["ImportSigningKey", "signing-keys/new", { alg: "ES256", as: "next" }],
    ["RemoveSigningKey", `signing-keys/${second}`, { state: "next", because: "import" }],
  ]);
});
