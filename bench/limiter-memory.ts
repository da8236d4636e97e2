// What a device's log takes in Redis: used_memory before and after a fleet has spent its limits. Knows Redis's INFO.

import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { RedisClient } from "../src/core/limiter/connection.ts";
import type { Section } from "./figures.ts";
import { runLanes } from "./limiter-load.ts";
import { LOGIN, openSubject, readInfo } from "./limiter-subject.ts";

const KEYS = 100_000;
const IN_FLIGHT = 128;
const TARGET_BYTES = 230;
/** So long that no log goes while others are filled: a log's size does not depend on its window. */
const POLICY = { ...LOGIN, windowMs: 600_000 };

export async function measureMemory(url: string): Promise<Section> {
  await using cleanup = new AsyncDisposableStack();
  const { redis, bare, close } = await openSubject(url, { remembers: false });
  cleanup.defer(close);
  const fill = async (deviceKey: string): Promise<void> => {
    for (let turn = 0; turn < POLICY.limit; turn++) await bare.charge([{ policy: POLICY, key: deviceKey }], 0);
  };
  // The connection's buffers grow before the first reading.
  await runLanes(IN_FLIGHT, IN_FLIGHT, () => fill(randomUUID()));

  // It goes by itself, while the others are filled.
  await redis.del("cs:probe");
  const keysBefore = await redis.dbsize();
  const before = await settled(redis);
  await runLanes(KEYS, IN_FLIGHT, () => fill(randomUUID()));
  const after = await settled(redis);
  const added = (await redis.dbsize()) - keysBefore;
  if (added !== KEYS) throw new Error(`void: ${added} keys in place of ${KEYS}`);

  const bytes = (after - before) / KEYS;
  const name = String(await redis.randomkey());
  return {
    title: `Redis memory: ${KEYS} devices named by UUID, ${POLICY.limit} admissions each (Redis ${await version(redis)})`,
    rows: [
      ["used_memory before", "after", "bytes a key", "MEMORY USAGE", "the name alone", "such as"],
      [
        before.toFixed(0),
        after.toFixed(0),
        bytes.toFixed(1),
        String(await redis.memory("USAGE", name)),
        String(name.length),
        name,
      ],
    ],
    targets: [{ text: `bytes a key ${bytes.toFixed(1)}, at most ${TARGET_BYTES}`, met: bytes <= TARGET_BYTES }],
  };
}

/** Once it has come to rest: tables are rehashed a little at a time. */
async function settled(redis: RedisClient): Promise<number> {
  let last = Number.NaN;
  for (let reading = 0; reading < 100; reading++) {
    const now = await readInfo(redis, "memory", "used_memory");
    if (Math.abs(now - last) < 1_024) return now;
    last = now;
    await setTimeout(200);
  }
  throw new Error("used_memory does not come to rest");
}

async function version(redis: RedisClient): Promise<string> {
  return /^redis_version:(\S+)/m.exec(await redis.info("server"))?.[1] ?? "unknown";
}
