// What a connection hears of the commits of others: connections to one file, as several processes have.

import type { Kysely } from "kysely";
import { expect, onTestFinished, test, vi } from "vitest";
import { watchChanges } from "../../src/store/changes.ts";
import type { Schema } from "../../src/store/schema.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { openDatabase } from "./database.ts";

vi.setConfig({ testTimeout: 5_000 });

async function openThree(): Promise<[Kysely<Schema>, Kysely<Schema>, Kysely<Schema>]> {
  const { path } = await openDatabase();
  return [connect(path), connect(path), connect(path)];
}

function connect(path: string): Kysely<Schema> {
  const db = openSqlite(path);
  onTestFinished(() => db.destroy());
  return db;
}

interface Watcher {
  heard(count: number): Promise<void>;
  calls(): number;
  stop(): void;
}

/** Counts what a watcher hears; `heard` resolves once that is `count`. */
async function watch(db: Kysely<Schema>): Promise<Watcher> {
  let calls = 0;
  let wake = (): void => {};
  const stop = await watchChanges(db, () => {
    calls++;
    wake();
  });
  onTestFinished(stop);
  return {
    calls: () => calls,
    stop,
    async heard(count) {
      while (calls < count) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

let number = 0;
async function commit(db: Kysely<Schema>): Promise<void> {
  const row = { customer_id: `customer-${number++}`, display_name: "", status: "enabled", created_at: 0 } as const;
  await db.insertInto("customers").values(row).execute();
}

test("a commit of another connection is heard of, however soon it comes", async () => {
  const [one, other] = await openThree();
  const watcher = await watch(one);
  await commit(other);
  await watcher.heard(1);
});

test("each later commit is heard of, too", async () => {
  const [one, other] = await openThree();
  const watcher = await watch(one);
  for (const count of [1, 2]) {
    await commit(other);
    await watcher.heard(count);
  }
  expect(watcher.calls()).toBe(2);
});

test("its own commits are not heard of", async () => {
  const [one, other] = await openThree();
  const [own, others] = [await watch(one), await watch(other)];
  for (const count of [1, 2]) {
    await commit(one);
    await others.heard(count);
  }
  // The other connection has looked twice, this one at least once since the first commit.
  expect(own.calls()).toBe(0);
  await commit(other);
  await own.heard(1);
});

test("what was rolled back is not heard of", async () => {
  const [one, other] = await openThree();
  const watcher = await watch(one);
  const undone = other.transaction().execute(async (transaction) => {
    await commit(transaction);
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  await commit(other);
  await watcher.heard(1);
  expect(watcher.calls()).toBe(1);
});

test("a database that cannot be asked is taken to have changed", async () => {
  const [one] = await openThree();
  const watcher = await watch(one);
  await one.destroy();
  await watcher.heard(1);
});

test("after its end nothing is heard of", async () => {
  const [one, other, third] = await openThree();
  const [stopped, going] = [await watch(one), await watch(third)];
  stopped.stop();
  for (const count of [1, 2]) {
    await commit(other);
    await going.heard(count);
  }
  expect(stopped.calls()).toBe(0);
});
