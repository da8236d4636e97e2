// The store's contract for the audit log: AuditLog.

import { expect, test } from "vitest";
import type { AuditLog, Condition } from "../../src/core/registry/ports.ts";
import type { Database } from "../../src/store/database.ts";
import { insertAuditEvents } from "../../src/store/registry/audit.ts";
import { ACTOR, entryOf, FIRST, NOW, type Open, walk } from "./store-samples.ts";

export function describeAuditLog(open: Open): void {
  const namesOf = async (
    { list }: AuditLog,
    conditions: readonly Condition[],
    size = 100,
  ): Promise<readonly string[]> => (await walk(list, { size, conditions })).items.map(({ action }) => action);

  /** Adds events named by their index, the oldest first. */
  async function fill({ write }: Database, times: readonly number[]): Promise<void> {
    const entries = times.map((at, index) => entryOf(String(index), { at }));
    await write((transaction) => insertAuditEvents(transaction, ...entries));
  }

  test("another process reads who, what and when", async () => {
    const { store, reopen } = await open();
    const entry = entryOf("UpdateDevice", { details: { display_name: 'Ü"\\', replay_guard: true, count: 3 } });
    await store.audit.append(entry);
    const { items, next } = await (await reopen()).audit.list(FIRST);
    expect(items).toEqual([{ ...entry, eventId: expect.stringMatching(/^\d+$/) }]);
    expect(next).toBeUndefined();
  });

  test("cuts long texts of callers", async () => {
    const { store } = await open();
    const actor = { ...ACTOR, operator: `a\0b\n${"x".repeat(500)}`, requestId: "\ud800" };
    await store.audit.append(entryOf("UpdateDevice", { actor }));
    const [event] = (await store.audit.list(FIRST)).items;
    expect(event?.actor.operator).toBe(`a b ${"x".repeat(196)}`);
    expect(event?.actor.requestId).toBe("\ufffd");
  });

  test("lists the newest first, page after page, in the order of writing", async () => {
    const { store, database } = await open();
    await fill(database, [NOW, NOW + 5, NOW + 2, NOW, NOW + 9]);
    for (const size of [1, 2, 5, 100]) expect(await namesOf(store.audit, [], size)).toEqual(["4", "3", "2", "1", "0"]);
    const { items } = await store.audit.list(FIRST);
    const ids = items.map(({ eventId }) => Number(eventId));
    expect(ids).toEqual(ids.toSorted((one, other) => other - one));
  });

  test("compares each field", async () => {
    const { store } = await open();
    await store.audit.append(entryOf("A"));
    const actor = { ...ACTOR, tokenId: "gateway", operator: "someone" };
    await store.audit.append(entryOf("B", { actor, resource: "customers/x", customerId: "x" }));
    for (const [field, value] of Object.entries({
      action: "B",
      resource: "customers/x",
      customer_id: "x",
      operator: "someone",
      token_id: "gateway",
    })) {
      expect(await namesOf(store.audit, [{ field, operator: "=", value }])).toEqual(["B"]);
      expect(await namesOf(store.audit, [{ field, operator: "!=", value }])).toEqual(["A"]);
    }
  });

  test("finds events by time, even if clocks differ", async () => {
    const { store, database } = await open();
    const times = Array.from({ length: 300 }, (_, index) => NOW + index * 60_000 + ((index * 791_919) % 3_400_000));
    await fill(database, times);
    const value = times[150] ?? 0;
    const matchers: Readonly<Record<Condition["operator"], (at: number) => boolean>> = {
      "<": (at) => at < value,
      "<=": (at) => at <= value,
      ">": (at) => at > value,
      ">=": (at) => at >= value,
      "=": (at) => at === value,
      "!=": (at) => at !== value,
    };
    for (const [operator, matches] of Object.entries(matchers) as [Condition["operator"], (at: number) => boolean][]) {
      const expected = [...times.entries()].filter(([, at]) => matches(at)).map(([index]) => String(index));
      expect(await namesOf(store.audit, [{ field: "time", operator, value }], 7)).toEqual(expected.reverse());
    }
  });

  test("deletes a batch of events older than a time, and uses no id twice", async () => {
    const { store, database } = await open();
    await fill(database, [NOW, NOW + 1, NOW + 2, NOW + 3, NOW + 4]);
    expect(await store.audit.prune(NOW, 10)).toBe(0);
    expect(await store.audit.prune(NOW + 3, 2)).toBe(2);
    expect(await namesOf(store.audit, [])).toEqual(["4", "3", "2"]);
    expect(await store.audit.prune(NOW + 3, 2)).toBe(1);
    expect(await store.audit.prune(NOW + 3, 2)).toBe(0);
    const [last] = (await store.audit.list(FIRST)).items;
    expect(await store.audit.prune(NOW + 5, 10)).toBe(2);
    await store.audit.append(entryOf("later"));
    const [later] = (await store.audit.list(FIRST)).items;
    expect(Number(later?.eventId)).toBeGreaterThan(Number(last?.eventId));
  });

  test.for(["x", "1.5", "-1", "9".repeat(30)])("a page after %s is malformed", async (after) => {
    const { store } = await open();
    await expect(store.audit.list({ ...FIRST, after })).rejects.toMatchObject({ reason: "malformed" });
  });
}
