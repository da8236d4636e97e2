// A connection through real Sentinels: it follows the master, whether the old one is replaced in order, dies or hangs.

import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { connectRedis, type RedisConnection } from "../../../src/core/limiter/connection.ts";
import { parseRedisUrl } from "../../../src/core/limiter/redis-url.ts";
import { freePort } from "../../free-port.ts";
import { type SentinelServers, startSentinel } from "../../redis/sentinel.ts";
import { startRedis } from "../../redis/server.ts";

// Each test but the first uses up a master.
let servers: SentinelServers;

beforeAll(async () => {
  servers = await startSentinel({ replicas: 3 });
  return () => servers.stop();
});

/** What an election may take. */
const eventually = { timeout: 12_000, interval: 10 };

async function connect(url = servers.url): Promise<RedisConnection & { lost: string[] }> {
  const lost: string[] = [];
  const connection = await connectRedis(parseRedisUrl(url), { away: () => {} });
  onTestFinished(connection.close);
  connection.onLost(({ message }) => lost.push(message));
  return { ...connection, lost };
}

const runIdOf = async (connection: RedisConnection): Promise<string> =>
  (await connection.identify()).split("/")[0] ?? "";

test("a Sentinel that is not there does not matter, wherever it stands", async () => {
  const [first, ...others] = servers.sentinels.map(({ port }) => `127.0.0.1:${port}`);
  const gone = `127.0.0.1:${await freePort()}`;
  for (const hosts of [
    [gone, first],
    [...others, gone],
  ]) {
    const connection = await connect(`redis+sentinel://${hosts.join(",")}/limits`);
    expect(await runIdOf(connection)).toBe(await (await servers.master()).info("run_id"));
  }
});

test("Sentinel and master each have a password of their own, and the master a database", async () => {
  const master = await startRedis({ password: "master's+one" });
  onTestFinished(master.stop);
  const settings = [`sentinel monitor limits 127.0.0.1 ${master.port} 1`, `sentinel auth-pass limits "master's+one"`];
  const sentinel = await startRedis({ sentinel: true, settings, password: "sentinel's&one" });
  onTestFinished(sentinel.stop);
  const hosts = `127.0.0.1:${sentinel.port}`;
  const own = encodeURIComponent("sentinel's&one");
  const connection = await connect(`redis+sentinel://:master's+one@${hosts}/limits/5?sentinel_password=${own}`);
  await connection.client.set("key", "value");
  expect(await connection.client.info("keyspace")).toContain("db5:keys=1");
  const wrong = await connect(`redis+sentinel://:master's+one@${hosts}/limits?sentinel_password=wrong`);
  await expect(wrong.client.ping()).rejects.toThrow();
});

test("a master that is replaced in order is left at once, though it still takes commands", async () => {
  const connection = await connect();
  const old = await servers.master();
  const before = await runIdOf(connection);
  await servers.sentinels[0]?.call("SENTINEL", "FAILOVER", "limits");
  await expect.poll(() => connection.lost, eventually).toEqual(["the Sentinels made another server the master"]);
  await expect.poll(() => runIdOf(connection).catch(() => before), eventually).not.toBe(before);
  expect(await connection.client.set("key", "value")).toBe("OK");
  expect(await old.info("role")).toBe("master");
  expect(await old.call("EXISTS", "key")).toBe(0);
});

test("a master that is killed amid commands: its successor is reached by itself, and gets each command once", async () => {
  const connection = await connect();
  const old = await servers.master();
  const before = await connection.identify();
  const accepted = new Set<number>();
  let given = 0;
  let givenBefore = Number.POSITIVE_INFINITY;
  let working = true;
  const work = async (): Promise<void> => {
    while (working) {
      const id = given++;
      await connection.client.rpush("log", id).then(
        () => accepted.add(id),
        () => {},
      );
      await pause(1);
    }
  };
  const workers = Array.from({ length: 10 }, work);
  await expect.poll(() => accepted.size, eventually).toBeGreaterThan(500);
  await old.kill();
  givenBefore = given;
  await expect.poll(() => connection.identify().catch(() => before), eventually).not.toBe(before);
  const acceptedBefore = accepted.size;
  await expect.poll(() => accepted.size, eventually).toBeGreaterThan(acceptedBefore + 500);
  working = false;
  await Promise.all(workers);

  expect(connection.lost.length).toBeGreaterThan(0);
  const log = await connection.client.lrange("log", 0, -1);
  expect(new Set(log).size).toBe(log.length);
  // Replication is asynchronous: what the old master accepted last may be missing, and nothing else.
  const held = new Set(log.map(Number));
  const missing = [...accepted].filter((id) => !held.has(id));
  expect(missing.every((id) => id < givenBefore)).toBe(true);
  const counts = `${given} commands, ${accepted.size} accepted, ${missing.length} of them lost with the old master`;
  process.stdout.write(`Sentinel failover: ${counts}\n`);
});

test("a master that hangs without any command under way is left when the Sentinels say so", async () => {
  const connection = await connect();
  const old = await servers.master();
  const before = await runIdOf(connection);
  old.pause();
  await expect.poll(() => connection.lost, eventually).toEqual(["the Sentinels made another server the master"]);
  await expect.poll(() => runIdOf(connection).catch(() => before), eventually).not.toBe(before);
  // It goes on as a master, for as long as the Sentinels let it: nobody asks it.
  old.resume();
  expect(await connection.client.set("other", "value")).toBe("OK");
  expect(await old.call("EXISTS", "other")).toBe(0);
});
