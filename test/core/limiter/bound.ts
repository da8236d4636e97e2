// Gateways over an in-process Redis, and random schedules of its outages.

import { createFallbackLimiter, type FallbackOptions } from "../../../src/core/limiter/fallback.ts";
import { createMemoryLimiter, type MemoryLimiter } from "../../../src/core/limiter/memory.ts";
import type { Policy } from "../../../src/core/ports.ts";

/** A Redis without a network: its limiter, and when it started. */
export interface TestRedis {
  limiter: MemoryLimiter;
  startedAt: number;
}

/** How Redis answers a gateway. An unheard decision counts, but its answer is lost. */
type Answer = "decides" | "unheard" | "fails" | "is silent" | "holds no log";

/** Opens a gateway that is connected. */
export function openGateway(
  redis: TestRedis,
  elapsed: () => number,
  { mode = "local", instances = 2 }: Partial<Pick<FallbackOptions, "mode" | "instances">> = {},
) {
  let connection: Parameters<FallbackOptions["availability"]["listen"]>[0] | undefined;
  const events: string[] = [];
  const state = { answer: "decides" as Answer, isConnected: true, calls: 0 };

  async function ask<Result>(act: () => Result): Promise<Result> {
    state.calls++;
    if (state.answer === "fails" || !state.isConnected) throw new Error("ECONNRESET");
    if (state.answer === "holds no log") throw new Error("WRONGTYPE cs:l:{=pump} holds no log");
    if (state.answer === "is silent") return new Promise(() => {});
    const result = act();
    if (state.answer === "unheard") throw new Error("the answer is lost");
    return result;
  }

  const limiter = createFallbackLimiter({
    limiter: {
      charge: (charges) => ask(() => ({ ...redis.limiter.decide(charges, elapsed()), now: 0 })),
      recall: () => undefined,
      probe: () => ask(() => {}),
    },
    availability: {
      startedAt: () => (state.isConnected ? redis.startedAt : undefined),
      lastError: () => new Error("Redis is not connected"),
      listen: (listener) => (connection = listener),
    },
    mode,
    instances,
    deadlineMs: 25,
    capacity: 10,
    elapsed,
    listener: {
      away: ({ message }) => events.push(`away: ${message}`),
      back: () => events.push("back"),
      decided: (outcome) => events.push(outcome),
    },
  });

  return Object.assign(state, {
    limiter,
    events,
    lose() {
      state.isConnected = false;
      connection?.lost(new Error("closed"));
    },
    reconnect(answer: Answer = "decides") {
      Object.assign(state, { answer, isConnected: true });
      connection?.ready();
    },
  });
}

const KEYS = ["a", "b"] as const;
const WINDOW_MS = 1_000;
const OPERATIONS = 300;

const below = (bound: number): number => Math.floor(Math.random() * bound);
const pick = <Item>(items: readonly [Item, ...Item[]]): Item => items[below(items.length)] ?? items[0];

/** Plays a random schedule. @returns the most admissions of any key in any window, and the number of outages */
async function playSchedule(count: number, limit: number): Promise<{ most: number; outages: number }> {
  const policy: Policy = { name: "login", limit, windowMs: WINDOW_MS };
  let now = 0;
  const redis = { limiter: createMemoryLimiter(10), startedAt: -WINDOW_MS };
  const open = () => openGateway(redis, () => now, { instances: count });
  const gateways = [open(), ...Array.from({ length: count - 1 }, open)] as const;
  const admissions: Record<(typeof KEYS)[number], number[]> = { a: [], b: [] };

  for (let operation = 0; operation < OPERATIONS; operation++) {
    if (Math.random() < 0.5) now += below(WINDOW_MS / (Math.random() < 0.1 ? 1 : 10));
    const draw = Math.random();
    if (draw < 0.03) {
      // Redis is killed and restarts empty.
      for (const gateway of gateways) gateway.lose();
      Object.assign(redis, { limiter: createMemoryLimiter(10), startedAt: now });
    } else if (draw < 0.06) {
      pick(gateways).lose();
    } else if (draw < 0.15) {
      pick(gateways).reconnect(pick(["decides", "unheard", "fails"]));
    } else if (draw < 0.25) {
      // A new connection, or the probe, four times a second.
      for (const gateway of gateways) gateway.reconnect();
    }
    // Probes are answered before the next login.
    for (let turn = 0; turn < 4; turn++) await null;
    const key = pick(KEYS);
    const { denied } = await pick(gateways).limiter.charge([{ policy, key }], now);
    if (denied === -1) admissions[key].push(now);
  }
  for (const { limiter } of gateways) limiter.close();

  const counts = Object.values(admissions).flatMap((times) =>
    times.map((end) => times.filter((time) => time > end - WINDOW_MS && time <= end).length),
  );
  const outages = gateways.flatMap(({ events }) => events.filter((event) => event.startsWith("away"))).length;
  return { most: Math.max(0, ...counts), outages };
}

/** Plays schedules, of 1 to 4 gateways. @returns the number over their bound, and of those that reached it */
export async function playSchedules(count: number): Promise<{ over: number; reached: number; outages: number }> {
  const total = { over: 0, reached: 0, outages: 0 };
  for (let played = 0; played < count; played++) {
    const gateways = 1 + below(4);
    const limit = 1 + below(12);
    const { most, outages } = await playSchedule(gateways, limit);
    const bound = limit + gateways * Math.max(1, Math.floor(limit / gateways));
    if (most > bound) total.over++;
    if (most === bound) total.reached++;
    total.outages += outages;
  }
  return total;
}
