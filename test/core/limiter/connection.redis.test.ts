// A connection to a real Redis that is killed, stopped or swallowed: it comes back by itself, and sends nothing twice.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { connectRedis, type RedisConnection } from "../../../src/core/limiter/connection.ts";
import { parseRedisUrl } from "../../../src/core/limiter/redis-url.ts";
import { freePort } from "../../free-port.ts";
import { startRelay } from "../../redis/relay.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "../../redis/server.ts";

interface Heard {
  readonly away: Error[];
  readonly lost: Error[];
}

async function start(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  onTestFinished(server.stop);
  return server;
}

async function connect(url: string): Promise<RedisConnection & { heard: Heard }> {
  const heard: Heard = { away: [], lost: [] };
  const connection = await connectRedis(parseRedisUrl(url), { away: (cause) => heard.away.push(cause) });
  onTestFinished(connection.close);
  connection.onLost((cause) => heard.lost.push(cause));
  return { ...connection, heard };
}

/** Asked for until it is there; the test's own timeout bounds it. */
const eventually = { timeout: 5_000, interval: 10 };

const back = (connection: RedisConnection): Promise<void> =>
  expect.poll(() => connection.client.ping().catch(String), eventually).toBe("PONG");

/** How often a command was called, on this server, since it started. */
async function callsOf(server: RedisServer, command: string): Promise<number> {
  const text = String(await server.call("INFO", "commandstats"));
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

test("a server that is killed and comes back empty: told at once, another identity, and nothing is sent again", async () => {
  const server = await start();
  const connection = await connect(server.url);
  connection.client.defineCommand("bump", { numberOfKeys: 1, lua: "return redis.call('INCR', KEYS[1])" });
  const before = await connection.identify();
  expect(before).toMatch(/^\w{40}\/\w{40}$/);
  expect(await connection.identify()).toBe(before);

  // Stopped, so that none of them can be answered before it is killed.
  server.pause();
  const underWay = Array.from({ length: 100 }, () => connection.client.incr("key"));
  const settled = Promise.allSettled(underWay);
  await server.kill();
  expect(new Set((await settled).map(({ status }) => status))).toEqual(new Set(["rejected"]));
  await expect.poll(() => connection.heard.lost.length, eventually).toBe(1);
  await expect(connection.client.incr("key")).rejects.toThrow();
  await expect(connection.identify()).rejects.toThrow();

  await server.restart();
  await back(connection);
  expect(await connection.identify()).not.toBe(before);
  expect(await callsOf(server, "incr")).toBe(0);
  expect(connection.heard.away).toHaveLength(1);
  expect(connection.heard.lost).toHaveLength(1);
});

test("a loss without any command under way is told, and a new outage is told again", async () => {
  const server = await start();
  const connection = await connect(server.url);
  for (const times of [1, 2]) {
    await server.kill();
    await expect.poll(() => connection.heard.lost.length, eventually).toBe(times);
    expect(connection.heard.away).toHaveLength(times);
    await server.restart();
    await back(connection);
  }
});

test("replace gives up what is under way and is connected again at once, without being told as a loss", async () => {
  const server = await start();
  const connection = await connect(server.url);
  const identity = await connection.identify();
  const connected = Number(await server.info("total_connections_received"));
  const underWay = connection.client.blpop("nothing", 0);
  connection.replace();
  await expect(underWay).rejects.toThrow();
  await back(connection);
  expect(await connection.identify()).toBe(identity);
  expect(connection.heard).toEqual({ away: [], lost: [] });
  expect(Number(await server.info("total_connections_received"))).toBeGreaterThan(connected);
});

test("a server that is stopped: its commands are given up, and it is reached again once it goes on", async () => {
  const server = await start();
  const connection = await connect(server.url);
  server.pause();
  const underWay = connection.client.incr("key").catch(String);
  expect(await underWay).toMatch(/closed|Socket timeout/i);
  expect(connection.heard.lost).toHaveLength(1);
  server.resume();
  await back(connection);

  // Replaced it is given up at once, though its server does not let go of it.
  server.pause();
  const late = pause(5_000).then(() => "kept");
  const kept = connection.client.set("other", "value").catch(() => "refused");
  connection.replace();
  expect(await Promise.race([kept, late])).toBe("refused");
  // The kernel goes on accepting for it: what now hangs is a connection in the making.
  for (let turn = 0; turn < 3; turn++) {
    connection.replace();
    await expect(connection.client.incr("key")).rejects.toThrow();
  }
  server.resume();
  await back(connection);
  // The one that had reached it before it was stopped, and no other.
  expect(await callsOf(server, "incr")).toBe(1);
});

test("a connection that swallows packets is replaced by itself, or at once when asked", async () => {
  const server = await start();
  const relay = await startRelay(server.port);
  onTestFinished(relay.stop);
  const connection = await connect(`redis://127.0.0.1:${relay.port}`);

  relay.swallow({ new: "works" });
  await expect(connection.client.incr("key")).rejects.toThrow();
  expect(connection.heard.lost).toHaveLength(1);
  await back(connection);

  relay.swallow({ new: "swallowed" });
  const underWay = connection.client.incr("key").catch(String);
  connection.replace();
  expect(await underWay).toMatch(/closed/);
  await expect(connection.client.ping()).rejects.toThrow();
  relay.swallow({ new: "works" });
  connection.replace();
  await back(connection);
  expect(await callsOf(server, "incr")).toBe(0);
});

test("a server that answers as a replica is left, until it is a master again", async () => {
  const server = await start();
  const connection = await connect(server.url);
  await server.call("REPLICAOF", "127.0.0.1", await freePort());
  await expect(connection.client.set("key", "value")).rejects.toThrow("READONLY");
  await expect.poll(() => connection.heard.lost.length, eventually).toBe(1);
  expect(connection.heard.lost[0]?.message).toContain("READONLY");
  await server.call("REPLICAOF", "NO", "ONE");
  await expect.poll(() => connection.client.set("key", "value").catch(String), eventually).toBe("OK");
});

test("a server that was demoted and made the master again is another, though it kept its run_id", async () => {
  const server = await start();
  const other = await start({ settings: ["repl-diskless-sync-delay 0"] });
  const connection = await connect(server.url);
  const before = await connection.identify();
  await server.call("REPLICAOF", "127.0.0.1", other.port);
  await expect.poll(() => server.info("master_link_status"), eventually).toBe("up");
  await server.call("REPLICAOF", "NO", "ONE");
  await back(connection);
  const after = await connection.identify();
  expect(after).not.toBe(before);
  expect(after.split("/")[0]).toBe(before.split("/")[0]);
});

test.each([
  { kind: "a server that is not there", url: async () => `redis://127.0.0.1:${await freePort()}` },
  {
    kind: "Sentinels that are not there",
    url: async () => `redis+sentinel://127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}/limits`,
  },
  {
    kind: "a Cluster that is not there",
    url: async () => `redis+cluster://127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}`,
  },
  { kind: "names that do not exist", url: async () => "redis+cluster://a.invalid,b.invalid" },
])("$kind: it starts, says so once, and closes", async ({ url }) => {
  const connection = await connect(await url());
  await expect.poll(() => connection.heard.away.length, eventually).toBe(1);
  await expect(connection.client.ping()).rejects.toThrow();
  await expect(connection.identify()).rejects.toThrow();
  connection.replace();
  await expect(connection.client.ping()).rejects.toThrow();
  connection.close();
  connection.replace();
  await expect(connection.client.ping()).rejects.toThrow();
  expect(connection.heard.lost).toEqual([]);
});

test("a server is reached with its password and in its database", async () => {
  const password = randomUUID();
  const server = await start({ password });
  const wrong = await connect(server.url.replace("://", "://:wrong@"));
  expect(wrong.heard.away[0]?.message).toMatch(/WRONGPASS|NOAUTH/);
  await expect(wrong.identify()).rejects.toThrow(/WRONGPASS|NOAUTH/);
  const connection = await connect(`${server.url.replace("://", `://:${password}@`)}/5`);
  await connection.client.set("key", "value");
  expect(await connection.client.info("keyspace")).toContain("db5:keys=1");
});

test("a database that there is not is no other one", async () => {
  const server = await start();
  const connection = await connect(`${server.url}/99`);
  await expect(connection.identify()).rejects.toThrow(/DB index is out of range/);
  await expect(connection.client.set("key", "value")).rejects.toThrow();
  expect(await server.call("DBSIZE")).toBe(0);
});

test("a node of a Cluster is told from a server", async () => {
  const server = await start({ settings: ["cluster-enabled yes", "cluster-config-file nodes.conf"] });
  const connection = await connect(server.url);
  await expect(connection.identify()).rejects.toThrow("this is a node of a Cluster. Write redis+cluster://");
});
