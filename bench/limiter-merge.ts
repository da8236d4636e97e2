// How long it takes to tell a Redis what a gateway admitted: one that lost everything, and one that lost nothing.

import { randomUUID } from "node:crypto";
import { createRecovery } from "../src/core/limiter/recovery.ts";
import { createRedisLimiter } from "../src/core/limiter/redis.ts";
import { createShadow } from "../src/core/limiter/shadow.ts";
import { createStoreClock } from "../src/core/limiter/store-clock.ts";
import { monotonicNow, systemNow } from "../src/telemetry/clock.ts";
import { type Section, show, spreadOf } from "./figures.ts";
import { LOGIN, openSubject } from "./limiter-subject.ts";

const LOGS = 100_000;

export async function measureMerge(url: string, rounds: number): Promise<Section> {
  await using cleanup = new AsyncDisposableStack();
  const { redis, close } = await openSubject(url, { remembers: false });
  cleanup.defer(close);
  const shadow = createShadow(1);
  const clock = createStoreClock(monotonicNow, systemNow());
  const at = clock.read();
  for (let log = 0; log < LOGS; log++) {
    shadow.record([{ policy: { ...LOGIN, windowMs: 3_600_000 }, key: randomUUID() }], [{ at, generation: 0 }]);
  }

  /** By a recovery that trusts nobody it has met. */
  async function tellAll(): Promise<number> {
    const recovery = createRecovery({
      limiter: createRedisLimiter(redis),
      reach: { identify: async () => "another", uptime: async () => 0, replace: () => {} },
      shadow,
      clock,
      within: (call) => call,
      instances: 1,
      elapsed: monotonicNow,
      expire: () => new Error("a merge took too long"),
    });
    const started = monotonicNow();
    await recovery.recover(() => {});
    return monotonicNow() - started;
  }

  const [lost, kept]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await redis.flushall();
    lost.push(await tellAll());
    kept.push(await tellAll());
  }
  return {
    title: `Telling Redis of ${LOGS} devices' admissions, ms`,
    rows: [
      ["of one that lost everything", "of one that lost nothing"],
      [show(spreadOf(lost), 0), show(spreadOf(kept), 0)],
    ],
    targets: [],
  };
}
