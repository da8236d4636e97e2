// A connection to a real Cluster: a master that dies, one that hangs, and slots that move, all amid commands.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { connectRedis, type RedisConnection } from "../../../src/core/limiter/connection.ts";
import { slotOf } from "../../../src/core/limiter/key-slot.ts";
import { parseRedisUrl } from "../../../src/core/limiter/redis-url.ts";
import { freePort } from "../../free-port.ts";
import { type ClusterNode, type ClusterServers, startCluster } from "../../redis/cluster.ts";

let servers: ClusterServers;

beforeAll(async () => {
  servers = await startCluster();
  return () => servers.stop();
});

/** What an election may take. */
const eventually = { timeout: 12_000, interval: 10 };

async function connect(url = servers.url): Promise<RedisConnection & { away: Error[]; lost: Error[] }> {
  const away: Error[] = [];
  const lost: Error[] = [];
  const connection = await connectRedis(parseRedisUrl(url), { away: (cause) => away.push(cause) });
  onTestFinished(connection.close);
  connection.onLost((cause) => lost.push(cause));
  return { ...connection, away, lost };
}

/** A hash tag in each third of the slots, which are those that the masters start with. */
function tagOf(master: number): string {
  for (let number = 0; ; number++) if (Math.floor((slotOf(`${number}`) * 3) / 16_384) === master) return `${number}`;
}

test("it is connected to every master when it resolves, by any one node of it", async () => {
  const url = `redis+cluster://127.0.0.1:${await freePort()},127.0.0.1:${servers.replicas[1].port}`;
  const connection = await connect(url);
  const runIds = await Promise.all(servers.masters.map((master) => master.info("run_id")));
  const identity = await connection.identify();
  const names = identity.split(" ").map((name) => name.split("/")[0]);
  expect(names).toEqual(runIds.sort());
  await Promise.all([0, 1, 2].map((master) => connection.client.incr(`{${tagOf(master)}}first`)));
  expect(connection.away).toEqual([]);
  connection.replace();
  await expect.poll(() => connection.identify().catch(String), eventually).toBe(identity);
  expect(connection.lost).toEqual([]);
});

test("a key's slot is what the server says it is", async () => {
  const { slotOf: slot } = await connect();
  for (const key of [
    "",
    "a",
    "{",
    "}",
    "{}a",
    "{}{b}",
    "a{b}c",
    "a{b",
    "a}b{c}",
    "{{b}}",
    "ключ 🔑",
    "a\0b",
    randomUUID(),
  ]) {
    expect([key, slot?.(key)]).toEqual([key, await servers.masters[0].call("CLUSTER", "KEYSLOT", key)]);
  }
});

test("a slot that moves amid commands: none fails, none is executed twice", async () => {
  const connection = await connect();
  const [from, to] = servers.masters;
  const tag = tagOf(0);
  const slot = slotOf(tag);
  // Some of the keys have moved and some have not, for a while.
  for (let number = 0; number < 50; number++) await connection.client.set(`{${tag}}${number}`, 0);
  let moving = true;
  let calls = 0;
  const work = async (): Promise<void> => {
    while (moving) {
      await connection.client.incr(`{${tag}}${calls++ % 50}`);
      await pause(1);
    }
  };
  const workers = [work(), work(), work()];
  const halfway = async (): Promise<void> => {
    const before = calls;
    await expect.poll(() => calls, eventually).toBeGreaterThan(before + 150);
  };
  await servers.moveSlot(slot, from, to, halfway);
  await halfway();
  moving = false;
  await Promise.all(workers);

  expect(await servers.ownerOf(slot, to)).toBe(to);
  const values = await Promise.all(
    Array.from({ length: 50 }, (_, number) => connection.client.get(`{${tag}}${number}`)),
  );
  expect(values.reduce((sum, value) => sum + Number(value), 0)).toBe(calls);
  expect(connection.lost).toEqual([]);
  process.stdout.write(`Cluster: ${calls} commands while a slot of 50 keys moved, none failed\n`);
  await servers.moveSlot(slot, to, from);
});

test.each([
  { kind: "killed", master: 0, stop: (node: ClusterNode) => node.kill() },
  { kind: "stopped", master: 1, stop: async (node: ClusterNode) => node.pause() },
])(
  "a master that is $kind amid commands: the others go on, its replica takes over, and nothing is sent twice",
  async ({ master, stop }) => {
    const connection = await connect();
    const before = await connection.identify();
    const node = servers.masters[master];
    const replica = servers.replicas[master];
    if (node === undefined || replica === undefined) throw new TypeError("three of each");
    const tag = tagOf(master);
    const other = tagOf(2);
    const given = new Set<string>();
    const refusedMeanwhile = new Set<string>();
    let stopped = false;
    let othersFailed = 0;
    let work = true;
    const push = async (): Promise<void> => {
      while (work) {
        const id = randomUUID();
        given.add(id);
        const givenMeanwhile = stopped;
        await Promise.all([
          connection.client.rpush(`{${tag}}log`, id).catch(() => {
            if (givenMeanwhile) refusedMeanwhile.add(id);
          }),
          connection.client.incr(`{${other}}count`).catch(() => othersFailed++),
        ]);
        await pause(1);
      }
    };
    const workers = [push(), push(), push()];
    await expect.poll(() => given.size, eventually).toBeGreaterThan(100);
    await stop(node);
    stopped = true;
    await expect.poll(() => connection.lost.length, eventually).toBeGreaterThan(0);
    // Refused at once: what is delayed is kept, to be sent later.
    const late = pause(5_000).then(() => "kept");
    expect(await Promise.race([connection.client.incr(`{${tag}}late`).catch(() => "refused"), late])).toBe("refused");
    await expect(connection.identify()).rejects.toThrow();
    await expect.poll(() => connection.identify().catch(() => before), eventually).not.toBe(before);
    const atReturn = given.size;
    await expect.poll(() => given.size, eventually).toBeGreaterThan(atReturn + 100);
    work = false;
    await Promise.all(workers);

    const log = await connection.client.lrange(`{${tag}}log`, 0, -1);
    expect(new Set(log).size).toBe(log.length);
    expect(log.every((id) => given.has(id))).toBe(true);
    // None of what was refused is kept for the master to come.
    expect(refusedMeanwhile.size).toBeGreaterThan(0);
    expect(log.filter((id) => refusedMeanwhile.has(id))).toEqual([]);
    expect(await servers.ownerOf(slotOf(tag), replica)).toBe(replica);
    // A Cluster that misses a part of its slots refuses all of them, until there is another master.
    process.stdout.write(
      `Cluster: ${given.size} commands to a master that was lost, as many to another: ${othersFailed} refused\n`,
    );
  },
);
