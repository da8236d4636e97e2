// The change feed on SQLite, and what is SQLite's alone: gaps by their numbers, a file that cannot be read.

import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { SEEN_MS } from "../../src/core/registry/ports.ts";
import { watchChanges } from "../../src/store/change-feed.ts";
import { openChangeReader } from "../../src/store/change-reader.ts";
import { KEPT_MS, pruneChanges } from "../../src/store/changes.ts";
import type { Database } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations.ts";
import { emptySqlite } from "./connections.ts";
import { commit, NOW, record } from "./feed.ts";
import { feedContract } from "./feed-contract.ts";

feedContract("SQLite", async () => emptySqlite());

async function openTwo(): Promise<{ one: Database; other: Database; path: string }> {
  const { connect, path } = emptySqlite();
  const one = await connect();
  await migrate(one);
  return { one, other: await connect(), path };
}

/** What one look tells, in its order. */
async function look(reader: Awaited<ReturnType<typeof openChangeReader>>): Promise<string[]> {
  const told: string[] = [];
  await reader.look({ onChange: (subjects) => told.push(...subjects), onGap: () => told.push("gap") });
  return told;
}

test.for([{ before: ["device a"] as const }, { before: [] }])(
  "what was deleted before it was read is a gap, once: after %j",
  async ({ before }) => {
    const { one, other } = await openTwo();
    if (before.length > 0) await commit(other, ...before);
    const reader = await openChangeReader(one, { onNotice: () => {} });
    await commit(other, "device b", "device c", "device d");
    await pruneChanges(other, NOW + 2 * KEPT_MS);
    expect(await look(reader)).toEqual(["gap", "device d"]);
    await commit(other, "device e");
    expect(await look(reader)).toEqual(["device e"]);
  },
);

test("a backup that was put back under a running gateway is a gap, and what follows is told", async () => {
  const { one, other, path } = await openTwo();
  await commit(other, "device a", "device b", "device c");
  const reader = await openChangeReader(one, { onNotice: () => {} });
  const raw = new DatabaseSync(path);
  raw.exec("delete from registry_changes where position > 1; update sqlite_sequence set seq = 1");
  raw.close();
  expect(await look(reader)).toEqual(["gap"]);
  await commit(other, "device d");
  expect(await look(reader)).toEqual(["device d"]);
});

test("a database that cannot be asked leaves it unsure, again and again", { timeout: 15_000 }, async () => {
  const { one } = await openTwo();
  const recorder = await record(one);
  await one.close();
  await recorder.unsureFor(2);
  expect(recorder.faults).toHaveLength(1);
  expect(recorder.subjects).toEqual([]);
});

test.for([
  { still: "a process that stood still", elapsedMs: SEEN_MS, nowMs: SEEN_MS },
  { still: "a machine that was suspended, its one clock with it", elapsedMs: 0, nowMs: SEEN_MS },
  { still: "a clock that was set back", elapsedMs: 0, nowMs: -SEEN_MS },
])("it is sure for as long as its last look was not long ago: $still", async ({ elapsedMs, nowMs }) => {
  const { one } = await openTwo();
  let [time, wall] = [0, NOW];
  const feed = await watchChanges(one, { onChange() {}, onUnsure() {}, now: () => wall, elapsed: () => time });
  onTestFinished(() => feed.close());
  expect(feed.isSure()).toBe(true);
  // Nothing has run yet that could look.
  time += elapsedMs;
  wall += nowMs;
  expect(feed.isSure()).toBe(false);
  while (!feed.isSure()) await setImmediate();
});
