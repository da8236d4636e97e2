// What the change feed owes on every database, as one suite: two connections, as two gateways have.

import { describe, expect, test } from "vitest";
import { openChangeReader } from "../../src/store/change-reader.ts";
import { KEPT_MS, noteChanges, pruneChanges, type Subject } from "../../src/store/changes.ts";
import type { Database } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations.ts";
import type { Empty } from "./connections.ts";
import { commit, NOW, record, withoutTimers } from "./feed.ts";

export function feedContract(name: string, open: () => Promise<Empty>): void {
  async function openTwo(): Promise<[Database, Database]> {
    const { connect } = await open();
    const one = await connect();
    await migrate(one);
    return [one, await connect()];
  }

  describe(`the change feed of ${name}`, () => {
    test("tells what another gateway committed, however soon it comes", async () => {
      const [one, other] = await openTwo();
      const recorder = await record(one);
      await commit(other, "device a", "customer b");
      await recorder.heard("customer b");
      expect(recorder.subjects).toEqual(["device a", "customer b"]);
      await commit(other, "unknown");
      await recorder.heard("unknown");
      await commit(other, "all");
      await recorder.heard("all");
      expect(recorder.subjects).toEqual(["device a", "customer b", "unknown", "all"]);
      expect(recorder.unsure()).toBe(0);
    });

    test("tells to every gateway", async () => {
      const [one, other] = await openTwo();
      const recorders = [await record(one), await record(other)];
      await commit(one, "device of one");
      await commit(other, "device of other");
      await recorders[0]?.heard("device of other");
      await recorders[1]?.heard("device of one");
    });

    test("tells nothing of what was committed before, or rolled back", async () => {
      const [one, other] = await openTwo();
      await commit(other, "device before");
      const recorder = await record(one);
      const undone = other.write(async (transaction) => {
        await noteChanges(transaction, other.dialect, ["device undone"], NOW);
        throw new Error("undone");
      });
      await expect(undone).rejects.toThrow("undone");
      await commit(other, "device after");
      await recorder.heard("device after");
      expect(recorder.subjects).toEqual(["device after"]);
    });

    test("tells a flood in pages, each change once and in order", async () => {
      const [one, other] = await openTwo();
      const recorder = await record(one);
      const flood = Array.from({ length: 2_500 }, (_, place) => `device ${place}` as const);
      await commit(other, ...flood);
      await commit(other, "device last");
      await recorder.heard("device last");
      expect(recorder.subjects).toEqual([...flood, "device last"]);
      expect(recorder.pages()).toBeGreaterThan(2);
    });

    test("tells nothing where a commit notes nothing, as those of activity do", async () => {
      const [one, other] = await openTwo();
      const recorder = await record(one);
      const row = { last_login_at: null, last_key_id: null, key_since: null };
      const failure = { last_failure_at: null, last_failure_reason: null };
      await other.db
        .insertInto("device_activity")
        .values({ device_key: "a", ...row, ...failure })
        .execute();
      await commit(other);
      await commit(other, "device after");
      await recorder.heard("device after");
      expect(recorder.subjects).toEqual(["device after"]);
    });

    test("takes what a later version may write for everything", async () => {
      const [one, other] = await openTwo();
      const recorder = await record(one);
      await other.db.insertInto("registry_changes").values({ subject: "fleet 7", changed_at: NOW }).execute();
      await recorder.heard("all");
      expect(recorder.subjects).toEqual(["all"]);
    });

    test("tells nothing after its end", async () => {
      const [one, other] = await openTwo();
      const stopped = await record(one);
      const going = await record(other);
      await stopped.close();
      await commit(one, "device a");
      await going.heard("device a");
      expect(stopped.subjects).toEqual([]);
      expect(stopped.unsure()).toBe(0);
    });

    test("ends at once, whatever it waits for", async () => {
      const [one] = await openTwo();
      await withoutTimers(async () => (await record(one)).close());
    });

    test("changes that are old enough go in batches, but for the newest", async () => {
      const [one] = await openTwo();
      await commit(one, ...Array.from({ length: 1_500 }, (_, place): Subject => `device ${place}`));
      const left = (): Promise<readonly { subject: string }[]> =>
        one.db.selectFrom("registry_changes").select("subject").orderBy("position").execute();
      expect(await pruneChanges(one, NOW + KEPT_MS)).toBe(false);
      expect(await left()).toHaveLength(1_500);
      expect(await pruneChanges(one, NOW + KEPT_MS + 1)).toBe(true);
      expect(await left()).toHaveLength(500);
      expect(await pruneChanges(one, NOW + KEPT_MS + 1)).toBe(false);
      expect(await left()).toEqual([{ subject: "device 1499" }]);
    });

    test("old changes are deleted by whichever gateway is there", async () => {
      const [one, other] = await openTwo();
      await one.db.insertInto("registry_changes").values({ subject: "device old", changed_at: 0 }).execute();
      await commit(one, "device newer");
      const recorder = await record(other);
      // It looks, then deletes, then looks again.
      for (const subject of ["device newest", "device last"] as const) {
        await commit(one, subject);
        await recorder.heard(subject);
      }
      await recorder.close();
      const rows = await one.db.selectFrom("registry_changes").select("subject").orderBy("position").execute();
      expect(rows.map(({ subject }) => subject)).toEqual(["device newer", "device newest", "device last"]);
      expect(recorder.faults).toEqual([]);
    });

    test("quiet times, and what is deleted in them, leave no gap", async () => {
      const [one, other] = await openTwo();
      await commit(other, "device a", "device b");
      const reader = await openChangeReader(one, { onNotice: () => {} });
      await pruneChanges(other, NOW + 2 * KEPT_MS);
      await commit(other, "device c");
      const told: string[] = [];
      await reader.look({ onChange: (subjects) => told.push(...subjects), onGap: () => told.push("gap") });
      expect(told).toEqual(["device c"]);
      await reader.close();
    });
  });
}
