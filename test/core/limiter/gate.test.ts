// What may be asked about at once: no more of a key than there may be room for.

import { expect, test } from "vitest";
import { createGate, type Gate } from "../../../src/core/limiter/gate.ts";
import type { Charge, Policy, PolicyName } from "../../../src/core/ports.ts";

const policy = (name: PolicyName, limit: number): Policy => ({ name, limit, windowMs: 60_000 });
const login: Charge = { policy: policy("login", 3), key: "k" };
const address: Charge = { policy: policy("address", 100), key: "a" };
const replay: Charge = { policy: policy("replay", 1), key: "k 1" };

type Leave = ReturnType<Gate["enter"]>;

function answer(leave: Leave | undefined, remaining: number, charges: readonly Charge[] = [login]): void {
  leave?.(charges.map(({ policy }) => ({ policy, remaining, resetMs: 1 })));
}

/** Enters as often as it may. */
function fill(gate: Gate, charges: readonly Charge[] = [login]): Leave[] {
  const leaves: Leave[] = [];
  while (gate.wait(charges) === undefined && leaves.length < 1_000) leaves.push(gate.enter(charges));
  return leaves;
}

/** Of a key of which nothing is known. */
const open = (): Gate => createGate(() => 0);

test("as many are asked about as the limit has room for, and the next waits for what comes of them", async () => {
  const gate = open();
  const leaves = fill(gate);
  expect(leaves).toHaveLength(3);
  const waiting = gate.wait([login]);
  // Two are left, and two are being asked about.
  answer(leaves[0], 2);
  expect(gate.wait([login])).toBeInstanceOf(Promise);
  answer(leaves[1], 1);
  answer(leaves[2], 0);
  await waiting;
  // It is for the limiter to know that it is spent: when it does not any more, a slot was freed.
  expect(fill(gate)).toHaveLength(1);
});

test("what is known to be admitted already leaves less room", () => {
  const gate = createGate(({ key }) => (key === "k" ? 2 : 0));
  expect(fill(gate)).toHaveLength(1);
  expect(fill(gate, [address])).toHaveLength(100);
});

test("a key that was spent is asked about once, and as far as the answer goes then", () => {
  const gate = open();
  answer(gate.enter([login]), 0);
  const [leave] = fill(gate);
  answer(leave, 2);
  expect(fill(gate)).toHaveLength(3);
});

test("all of a call's keys must have room, and none is taken while it waits", () => {
  const gate = open();
  expect(fill(gate, [address, login])).toHaveLength(3);
  expect(fill(gate, [address])).toHaveLength(97);
  expect(gate.wait([address])).toBeInstanceOf(Promise);
  // More than a large limit are never under way at once.
  expect(fill(gate, [{ ...address, policy: policy("address", 300) }])).toHaveLength(1_000);
});

test("the replay guard is not waited for", () => {
  const gate = open();
  expect(fill(gate, [replay])).toHaveLength(1_000);
  // Nor is anything else, of a login that it guards: whoever repeats a proof keeps nobody waiting.
  expect(fill(gate, [address, login, replay])).toHaveLength(1_000);
});

test("a call that was not answered frees its place, and says nothing of the room", async () => {
  const gate = open();
  const leaves = fill(gate);
  const waiting = gate.wait([login]);
  for (const leave of leaves) leave([]);
  await waiting;
  expect(fill(gate)).toHaveLength(3);
});
