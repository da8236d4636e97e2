// A flood on one key, on a real Redis: asked about as often as it is admitted, and once for each slot that is freed.

import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { createFallbackLimiter } from "../../../src/core/limiter/fallback.ts";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import type { Charge, Limiter } from "../../../src/core/ports.ts";
import { openCounted } from "./counted-redis.ts";

const LIMIT = 10;
const WINDOW_MS = 700;
const WINDOWS = 3;
const NOW = 1_764_000_000_000;

interface Gateway {
  readonly limiter: Limiter;
  readonly calls: () => number;
}

function openGateway(prefix: string): Gateway {
  const { redis, calls } = openCounted("charge2");
  const elapsed = (): number => performance.now();
  const limiter = createFallbackLimiter({
    limiter: createRedisLimiter(redis, { prefix, elapsed }),
    reach: { identify: async () => "one", uptime: async () => 1_000, replace: () => {}, onLost: () => {} },
    whenAway: "local",
    instances: 1,
    // What is decided without Redis would not be counted here.
    deadlineMs: 10_000,
    elapsed,
    startedAt: NOW,
    hearing: { changed: () => {}, stillAway: () => {}, decided: () => {} },
  });
  onTestFinished(() => limiter.close());
  return { limiter, calls };
}

test.for([1, 2])(
  "%s gateways with 64 in flight each ask no more often than they admit and slots are freed",
  async (count) => {
    const prefix = randomUUID();
    const gateways = Array.from({ length: count }, () => openGateway(prefix));
    const charges: readonly Charge[] = [
      { policy: { name: "address", limit: 1_000_000, windowMs: 60_000 }, key: "a" },
      { policy: { name: "login", limit: LIMIT, windowMs: WINDOW_MS }, key: "d" },
    ];
    const end = performance.now() + WINDOWS * WINDOW_MS;
    const admittedAt: number[] = [];
    let denied = 0;
    async function flood({ limiter }: Gateway): Promise<number> {
      let admitted = 0;
      while (performance.now() < end) {
        if ((await limiter.charge(charges, NOW)).denied === -1) {
          admittedAt.push(performance.now());
          admitted++;
        } else if (++denied % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return admitted;
    }
    const admitted = await Promise.all(
      gateways.map(async (gateway) => {
        const lanes = await Promise.all(Array.from({ length: 64 }, () => flood(gateway)));
        return lanes.reduce((sum, lane) => sum + lane, 0);
      }),
    );
    expect(denied).toBeGreaterThan(1_000);
    const freed = admittedAt.filter((at) => at < end - WINDOW_MS).length;
    expect(admittedAt.length).toBeLessThanOrEqual(freed + LIMIT);
    for (const [place, { calls }] of gateways.entries()) {
      // One for each admission, and one for each slot that another gateway took meanwhile; at the beginning none of them
      // knows of the others, and a slot may be asked for a thousandth too early.
      expect(calls()).toBeLessThanOrEqual((admitted[place] ?? 0) + freed + (count === 1 ? 0 : LIMIT + 2 * WINDOWS));
    }
  },
);
