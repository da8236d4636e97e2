// The change feed on PostgreSQL, and what is PostgreSQL's alone: late commits, connections cut off, servers that stop.

import { expect, onTestFinished, test, vi } from "vitest";
import { openChangeReader } from "../../src/store/change-reader.ts";
import { CHANNEL, KEPT_MS, noteChanges } from "../../src/store/changes.ts";
import type { Database } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations.ts";
import { type PostgresServer, startPostgres } from "../postgres/server.ts";
import { type EmptyPostgres, emptyPostgres, execute } from "./connections.ts";
import { commit, hearsAgain, NOW, record, withoutTimers } from "./feed.ts";
import { feedContract } from "./feed-contract.ts";

vi.setConfig({ testTimeout: 30_000 });

feedContract("PostgreSQL", () => emptyPostgres());

interface Two {
  readonly one: Database;
  readonly other: Database;
  readonly url: string;
}

async function openTwo({ connect, url }: Pick<EmptyPostgres, "connect" | "url">): Promise<Two> {
  const one = await connect();
  await migrate(one);
  return { one, other: await connect(), url };
}

/** On a server of the test's own, that it may stop. */
async function openOnOwnServer(): Promise<Two & { readonly server: PostgresServer }> {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  return { ...(await openTwo(await emptyPostgres(server.url))), server };
}

/** A transaction that goes on until it is told to end. */
async function begin(database: Database, subject: `device ${string}`): Promise<() => Promise<void>> {
  const began = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const done = database.write(async (transaction) => {
    await noteChanges(transaction, "postgres", [subject], NOW);
    began.resolve();
    await ended.promise;
  });
  await Promise.race([began.promise, done]);
  return () => {
    ended.resolve();
    return done;
  };
}

test("is told, and need not wait for its turn to look", async () => {
  const { one, other } = await openTwo(await emptyPostgres());
  await withoutTimers(async () => {
    const recorder = await record(one);
    for (const subject of ["device a", "device b", "device c"] as const) {
      await commit(other, subject);
      await recorder.heard(subject);
    }
    await recorder.close();
  });
});

test("a transaction that began first and committed last is told when it is committed, and all of them once", async () => {
  const { one, other } = await openTwo(await emptyPostgres());
  const recorder = await record(one);
  const commitEarlier = await begin(other, "device earlier");
  const commitLater = await begin(other, "device later");
  await commit(other, "device between");
  await recorder.heard("device between");
  await commitLater();
  await recorder.heard("device later");
  await commit(other, "device after");
  await recorder.heard("device after");
  expect(recorder.subjects).toEqual(["device between", "device later", "device after"]);
  await commitEarlier();
  await recorder.heard("device earlier");
  await commit(other, "device last");
  await recorder.heard("device last");
  expect(recorder.subjects).toEqual([
    "device between",
    "device later",
    "device after",
    "device earlier",
    "device last",
  ]);
});

test("a transaction that began before the feed did is told when it is committed", async () => {
  const { one, other } = await openTwo(await emptyPostgres());
  const commitEarlier = await begin(other, "device earlier");
  const recorder = await record(one);
  await commitEarlier();
  await recorder.heard("device earlier");
  expect(recorder.subjects).toEqual(["device earlier"]);
});

test("rows that a dump of another server brought, whose transactions are yet to come here, are not told again and again", async () => {
  const { one, other, url } = await openTwo(await emptyPostgres());
  const recorder = await record(one);
  const row = `('device restored', ${NOW}, '9000000000000000000')`;
  await execute(url, `insert into registry_changes (subject, changed_at, transaction_id) values ${row}`);
  await commit(other, "device after");
  await recorder.heard("device after");
  expect(recorder.subjects).toEqual(["device after"]);
});

test("where nothing is passed on of what the server tells, it is heard all the same", async () => {
  const { one, other } = await openTwo(await emptyPostgres());
  const deaf: Database = {
    ...one,
    listen: async (channel, hearing) => {
      if (one.listen === undefined) throw new Error("PostgreSQL tells");
      return one.listen(channel, { ...hearing, onNotice: () => {} });
    },
  };
  const recorder = await record(deaf);
  await commit(other, "device a");
  await recorder.heard("device a");
});

test("the slice of time in which changes were deleted unread is a gap, by the server's clock", async () => {
  const { one } = await openTwo(await emptyPostgres());
  let aheadMs = 0;
  const later: Database = {
    ...one,
    listen: async (channel, hearing) => {
      if (one.listen === undefined) throw new Error("PostgreSQL tells");
      const session = await one.listen(channel, hearing);
      return {
        close: session.close,
        async rows(query) {
          const rows = await session.rows(query);
          for (const row of rows) {
            if (typeof row === "object" && row !== null && "at" in row)
              Object.assign(row, { at: Number(row.at) + aheadMs });
          }
          return rows;
        },
      };
    },
  };
  const reader = await openChangeReader(later, { onNotice: () => {} });
  onTestFinished(() => reader.close());
  let gaps = 0;
  const hearing = { onChange: () => {}, onGap: () => gaps++ };
  await reader.look(hearing);
  expect(gaps).toBe(0);
  aheadMs = KEPT_MS;
  await reader.look(hearing);
  expect(gaps).toBe(1);
  await reader.look(hearing);
  expect(gaps).toBe(1);
});

test("a listener that is cut off is unsure, connects again and hears what follows", async () => {
  const { one, other, url } = await openTwo(await emptyPostgres());
  const recorder = await record(one);
  await execute(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'countersign changes'`,
  );
  await recorder.unsureFor(1);
  await hearsAgain(recorder, other);
  expect(recorder.faults).not.toEqual([]);
});

test("a server that is stopped leaves it unsure, and is heard again when it goes on", async () => {
  const { one, other, server } = await openOnOwnServer();
  const recorder = await record(one);
  server.pause();
  await recorder.unsureFor(2);
  server.resume();
  await hearsAgain(recorder, other);
});

test("a server that was killed is heard again once it is back", async () => {
  const { one, other, server } = await openOnOwnServer();
  const recorder = await record(one);
  await commit(other, "device before");
  await recorder.heard("device before");
  await server.restart();
  await recorder.unsureFor(1);
  await hearsAgain(recorder, other);
});

test("ends while the server is stopped", async () => {
  const { one, server } = await openOnOwnServer();
  const recorder = await record(one);
  server.pause();
  try {
    await recorder.close();
    await one.close();
  } finally {
    server.resume();
  }
});

test("every commit that changes something is told on the channel, and those of a rollback are not", async () => {
  const { one, other } = await openTwo(await emptyPostgres());
  let notices = 0;
  const heard = Promise.withResolvers<void>();
  const onNotice = (): void => {
    notices++;
    heard.resolve();
  };
  const session = await one.listen?.(CHANNEL, { onNotice, onEnd: () => {} });
  onTestFinished(async () => session?.close());
  const undone = other.write(async (transaction) => {
    await noteChanges(transaction, "postgres", ["device undone"], NOW);
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  await commit(other, "device a", "device b");
  await heard.promise;
  expect(notices).toBe(1);
});
