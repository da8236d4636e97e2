// PostgreSQL fulfils the contracts of a store and recovers from outages.

import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { inspect } from "node:util";
import { type Kysely, sql } from "kysely";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations.ts";
import { openPostgres, type PostgresOptions } from "../../src/store/postgres.ts";
import type { Schema } from "../../src/store/schema.ts";
import { storeContract } from "../contracts/store.ts";
import { secretsContract } from "../contracts/store-secrets.ts";
import { freePort, listenOnLoopback } from "../free-port.ts";
import { makeCertificates } from "../http/certificates.ts";
import { startPostgres } from "../postgres/server.ts";
import { emptyPostgres, execute, openPostgresDatabase } from "./database.ts";
import { migrationsContract } from "./migrations-contract.ts";

storeContract("PostgreSQL", openPostgresDatabase);
secretsContract("PostgreSQL", openPostgresDatabase);
migrationsContract("PostgreSQL", () => emptyPostgres());

async function open(options: PostgresOptions): Promise<Database> {
  const database = await openPostgres(options);
  onTestFinished(() => database.close());
  return database;
}

/** The URL of the run's server, changed. */
const changed = (parts: Partial<URL>): string => Object.assign(new URL(inject("postgresUrl") ?? ""), parts).href;

const pid = async ({ db }: Database): Promise<number> => {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]?.pid ?? 0;
};

const SECRET = "hunter2-is-a-secret";

const NO_ANSWER = /no PostgreSQL answers at/;

test.for([
  {
    what: "a wrong password",
    url: () => changed({ password: SECRET }),
    message:
      /^the database cannot be used: 127\.0\.0\.1:\d+ refuses the user postgres or the password\. Correct the URL, or pg_hba\.conf$/,
  },
  {
    what: "a missing database",
    url: () => changed({ pathname: "/no_such_database" }),
    message: /has no database no_such_database\. Create it: createdb no_such_database$/,
  },
  {
    what: "a server without TLS",
    url: () => changed({ search: "?sslmode=verify-full" }),
    message: /does not speak TLS\. Turn it on there, or write sslmode=disable into the URL$/,
  },
  { what: "too few connections", url: limitedUser, message: /has too many connections\. Raise its max_connections$/ },
  { what: "a missing server", url: async () => urlOf(await freePort()), message: NO_ANSWER },
  { what: "a silent server", url: silentServer, message: NO_ANSWER, connectMs: 300 },
])("opening fails within the deadline, in one line that names $what", async ({ url, message, connectMs = 20_000 }) => {
  const opened = { url: await url(), connectMs };
  const error = await openPostgres(opened).catch((thrown: unknown) => thrown);
  if (!(error instanceof Error)) throw new TypeError("the database was opened");
  expect(error.message).toMatch(message);
  // Neither in the error nor in its log line.
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(new URL(opened.url).password);
});

const urlOf = (port: number): string => `postgres://me:${SECRET}@127.0.0.1:${port}/registry`;

/** A user who may open one connection. @returns the URL */
async function limitedUser(): Promise<string> {
  const username = `limited_${randomBytes(6).toString("hex")}`;
  const { url } = await emptyPostgres();
  await execute(url, `create role ${username} login password '${SECRET}' connection limit 1`);
  return Object.assign(new URL(url), { username, password: SECRET }).href;
}

/** A server that never answers. @returns its URL */
async function silentServer(): Promise<string> {
  const silent = createServer();
  onTestFinished(() => void silent.close());
  return urlOf(await listenOnLoopback(silent));
}

/** Begins an action. @returns a function that ends it */
async function occupy(act: (hold: () => Promise<void>) => Promise<unknown>): Promise<() => Promise<unknown>> {
  const [began, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const acted = act(() => {
    began.resolve();
    return ended.promise;
  });
  await began.promise;
  return () => {
    ended.resolve();
    return acted;
  };
}

/** Takes a lock until the end of the transaction. */
const lock = (one: Kysely<Schema>, key: number) => sql`select pg_advisory_xact_lock(${key})`.execute(one);

describe("a query", () => {
  test("that takes too long is cancelled, and is unavailable", async () => {
    const { url } = await emptyPostgres();
    const database = await open({ url, statementMs: 200, readers: 1 });
    const slow = database.read((db) => sql`select pg_sleep(20)`.execute(db));
    const message = "the registry cannot be reached now. Try again later";
    await expect(slow).rejects.toMatchObject({ reason: "unavailable", message });
    expect(await pid(database)).toBeGreaterThan(0);
  });

  test("waits for a free connection up to a deadline", async () => {
    const { url } = await emptyPostgres();
    const database = await open({ url, readers: 1, connectMs: 200 });
    const release = await occupy((hold) => database.db.connection().execute(hold));
    await expect(database.read(() => pid(database))).rejects.toMatchObject({ reason: "unavailable" });
    await release();
    expect(await pid(database)).toBeGreaterThan(0);
  });

  test("does not wait for writers that wait for a lock", async () => {
    const { connect } = await emptyPostgres();
    const [database, other] = [await connect(), await connect()];
    const release = await occupy((hold) => other.write((transaction) => lock(transaction, 1).then(hold)));
    let written = 0;
    const writes = Array.from({ length: 20 }, () => database.write((one) => lock(one, 1)).then(() => written++));
    const waits = sql<{ waits: number }>`select count(*) as waits from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    while (!((await waits.execute(other.db)).rows[0]?.waits ?? 0));
    await Promise.all(Array.from({ length: 20 }, () => database.read(() => pid(database))));
    expect(written).toBe(0);
    await Promise.all([release(), ...writes]);
    expect(written).toBe(20);
  });

  test("is retried after a conflict or a deadlock", async () => {
    const { connect } = await emptyPostgres();
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const take = async (hold: () => void, ...keys: readonly number[]): Promise<void> =>
      (await connect()).write(async (transaction) => {
        for (const key of keys) {
          await lock(transaction, key);
          hold();
          await Promise.all([first.promise, second.promise]);
        }
      });
    await Promise.all([take(first.resolve, 1, 2), take(second.resolve, 2, 1)]);
  });
});

describe("a server that goes away", () => {
  async function openOnOwn(options: Partial<PostgresOptions> = {}) {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    return { server, database: await open({ url: server.url, ...options }) };
  }

  test("fails reads, rolls a transaction back, and is used again once it is back", async () => {
    const { server, database } = await openOnOwn();
    await execute(server.url, "create table counters (n integer)");
    const inUse = database.read((db) => sql`select pg_sleep(20)`.execute(db)).catch((error: unknown) => error);
    const cut = database.write(async (transaction) => {
      await sql`insert into counters values (1)`.execute(transaction);
      await server.kill();
      await sql`insert into counters values (2)`.execute(transaction);
    });
    await expect(cut).rejects.toMatchObject({ reason: "unavailable" });
    expect(await inUse).toMatchObject({ reason: "unavailable" });
    await expect(database.read(() => pid(database))).rejects.toMatchObject({ reason: "unavailable" });
    await server.restart();
    const { rows } = await database.read((db) => sql`select n from counters`.execute(db));
    expect(rows).toEqual([]);
  });

  test("that stops answering is unavailable within the deadline, and its late answers are dropped", async () => {
    const { server, database } = await openOnOwn({ readers: 1, statementMs: 1_000, connectMs: 2_000 });
    const before = await pid(database);
    server.pause();
    const late = database.read((db) => sql`select 'late'`.execute(db));
    await expect(late).rejects.toMatchObject({ reason: "unavailable" });
    server.resume();
    expect(await database.read(() => pid(database))).not.toBe(before);
    server.pause();
    await database.close();
    server.resume();
  });
});

test("after a pause of the whole process, the answer to a look-up that arrived in time counts", async () => {
  const { url } = await emptyPostgres();
  const database = await open({ url, answerMs: 1_000 });
  const lookUp = database.lookUp({
    name: "echo",
    names: ["name"],
    sql: (asked) => `select asked.ordinal from ${asked}`,
  });
  await lookUp(["before"]);
  const outcome = lookUp(["meanwhile"]);
  // Three turns of the event loop send the query.
  for (let times = 0; times < 3; times++) await turn();
  for (const until = performance.now() + 1_100; performance.now() < until; );
  expect(await outcome).toHaveLength(1);
});

test("statements keep the plan for a large fleet, though the table had two devices when the plan was made", async () => {
  const { url } = await emptyPostgres();
  // The URL's own options do not replace those of the plan.
  const database = await open({ url: `${url}?options=-c%20search_path%3Done,public`, readers: 1 });
  const run = (text: string): Promise<{ rows: unknown[] }> => sql.raw(text).execute(database.db);
  expect((await run("show search_path")).rows).toEqual([{ search_path: "one,public" }]);
  await run("create table fleet (device_key text primary key); insert into fleet values ('a'), ('b')");
  await run("vacuum analyze fleet");
  await run("prepare find (text) as select device_key from fleet where device_key = $1");
  await run("set plan_cache_mode = force_generic_plan");
  const { rows } = await run("explain execute find('a')");
  expect(JSON.stringify(rows)).toContain("Index Only Scan");
});

test("schemas of one database have a registry each", async () => {
  const { url } = await emptyPostgres();
  await execute(url, "create schema one; create schema two");
  for (const schema of ["one", "two", "public"]) {
    const database = await open({ url: `${url}?options=-c%20search_path%3D${schema}` });
    await migrate(database);
    await migrate(database);
    const { rows } = await sql<{ devices: number }>`
      select count(*) as devices from ${sql.table(`${schema}.devices`)}`.execute(database.db);
    // The decoy.
    expect(rows).toEqual([{ devices: 1 }]);
  }
});

test("checks the server's certificate against sslrootcert", async () => {
  const folder = makeCertificates({ server: "ecdsa", other: "ecdsa" });
  const tls = { cert: join(folder, "server.crt"), key: join(folder, "server.key") };
  const server = await startPostgres({ tls });
  onTestFinished(() => server.stop());
  const trusting = `${server.url}?sslmode=verify-full&sslrootcert=`;

  const { db } = await open({ url: `${trusting}${tls.cert}` });
  const { rows } = await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(db);
  expect(rows).toEqual([{ ssl: true }]);

  await expect(openPostgres({ url: `${trusting}${join(folder, "other.crt")}` })).rejects.toThrow(
    /^the database cannot be used: the certificate of 127\.0\.0\.1:\d+ is not trusted \([A-Z_]+\)\. Name its authority in the URL: sslrootcert=FILE$/,
  );
});
