// A call in one command or in one a slot, and what their replies amount to: the first charge denied decides, and what another
// slot admitted meanwhile stands.

import { expect, test } from "vitest";
import { divide, readReplies } from "../../../src/core/limiter/commands.ts";
import type { Charge, PolicyName } from "../../../src/core/ports.ts";

const charge = (name: PolicyName): Charge => ({ policy: { name, limit: 10, windowMs: 60_000 }, key: name });
const charges = [charge("address"), charge("login"), charge("replay")];
const names = ["{a}", "{d}", "{d} 1"];
/** The slots of an address and of a device. */
const slotOf = (name: string): number => (name.startsWith("{a}") ? 5 : 9);

/** As CHARGE_SCRIPT replies: the number denied, the time, and three numbers for each charge. */
function reply(denied: number, at: number, ...remaining: readonly number[]): number[] {
  return [denied, at, ...remaining.flatMap((left) => [left, 1_000_000, 0])];
}

test("without slots all charges go in one command", () => {
  const [command, ...others] = divide(charges, names, undefined);
  expect(others).toEqual([]);
  expect(command).toEqual({ charges, names, places: [0, 1, 2], slot: 0 });
});

test("with slots each has a command, in the order of the call", () => {
  expect(divide(charges, names, slotOf)).toEqual([
    { charges: [charges[0]], names: ["{a}"], places: [0], slot: 5 },
    { charges: [charges[1], charges[2]], names: ["{d}", "{d} 1"], places: [1, 2], slot: 9 },
  ]);
});

const sent = divide(charges, names, slotOf);

test.for([
  { what: "all are admitted", replies: [reply(0, 1, 4), reply(0, 2, 8, 0)], denied: -1, written: [1, 2, 2] },
  {
    what: "the device is denied: the address's charge stands",
    replies: [reply(0, 1, 4), reply(1, 2, 0, 1)],
    denied: 1,
    written: [1],
  },
  {
    what: "the proof was used: the address's charge stands",
    replies: [reply(0, 1, 4), reply(2, 2, 8, 0)],
    denied: 2,
    written: [1],
  },
  {
    what: "the address is denied: the device's charges stand",
    replies: [reply(1, 1, 0), reply(0, 2, 8, 0)],
    denied: 0,
    written: [undefined, 2, 2],
  },
  {
    what: "both are denied: the address comes first",
    replies: [reply(1, 1, 0), reply(1, 2, 0, 1)],
    denied: 0,
    written: [],
  },
])("$what", ({ replies, denied, written }) => {
  const verdict = readReplies(sent, replies, charges);
  expect(verdict.denied).toBe(denied);
  expect(verdict.receipts.map((receipt) => receipt?.at)).toEqual(charges.map((_, place) => written[place]));
  expect(verdict.states.map((state) => state?.policy.name)).toEqual(["address", "login", "replay"]);
});

test("the order in which slots answer changes nothing", () => {
  const replies = [reply(1, 1, 0), reply(1, 2, 0, 1)];
  const turned = readReplies(sent.toReversed(), replies.toReversed(), charges);
  expect({ ...turned, now: 2 }).toEqual(readReplies(sent, replies, charges));
});

test.for([
  [[0, 1, 4, 1_000_000]],
  [[0, 1, 11, 1_000_000, 0]],
  [[0, 1, -1, 1_000_000, 0]],
  [[0, 1, 4, 9e15, 0]],
  [[0, 1, 4, -1, 0]],
] as const)("no script of ours replies %j", ([wrong]) => {
  const one = charges.slice(0, 1);
  expect(() => readReplies(divide(one, names.slice(0, 1), undefined), [wrong], one)).toThrow(TypeError);
});
