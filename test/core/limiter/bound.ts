// Gateways over a Redis in the process, and a model of the bound through random outages.

import {
  createFallbackLimiter,
  type FallbackLimiter,
  type FallbackOptions,
} from "../../../src/core/limiter/fallback.ts";
import { createMemoryLimiter, type MemoryLimiter } from "../../../src/core/limiter/memory.ts";
import type { Policy } from "../../../src/core/ports.ts";

/** A Redis without a network: its limiter, and when it started. */
export interface TestRedis {
  limiter: MemoryLimiter;
  startedAt: number;
}

export interface TestGateway {
  readonly limiter: FallbackLimiter;
  /** How Redis answers this gateway. An unheard decision counts, but its answer is lost. */
  answer: "decides" | "unheard" | "fails" | "is silent" | "holds no log";
  isConnected: boolean;
  /** Calls of Redis. */
  asked: number;
  readonly events: string[];
  lose(): void;
  reconnect(): void;
}

/** Opens a gateway that is connected. */
export function openGateway(
  redis: TestRedis,
  elapsed: () => number,
  { mode = "local", instances = 2 }: Partial<Pick<FallbackOptions, "mode" | "instances">> = {},
): TestGateway {
  let connection: Parameters<FallbackOptions["availability"]["listen"]>[0] | undefined;
  async function ask<Result>(act: () => Result): Promise<Result> {
    gateway.asked++;
    if (gateway.answer === "fails" || !gateway.isConnected) throw new Error("ECONNRESET");
    if (gateway.answer === "holds no log") throw new Error("WRONGTYPE cs:l:{=pump} holds no log");
    if (gateway.answer === "is silent") return new Promise(() => {});
    const result = act();
    if (gateway.answer === "unheard") throw new Error("the answer is lost");
    return result;
  }
  const gateway: TestGateway = {
    answer: "decides",
    isConnected: true,
    asked: 0,
    events: [],
    limiter: createFallbackLimiter({
      limiter: {
        charge: (charges) => ask(() => ({ ...redis.limiter.decide(charges, elapsed()), now: 0 })),
        recall: () => undefined,
        probe: () => ask(() => {}),
      },
      availability: {
        startedAt: () => (gateway.isConnected ? redis.startedAt : undefined),
        lastError: () => new Error("Redis is not connected"),
        listen: (listener) => (connection = listener),
      },
      mode,
      instances,
      deadlineMs: 25,
      capacity: 10,
      elapsed,
      listener: {
        away: ({ message }) => gateway.events.push(`away: ${message}`),
        back: () => gateway.events.push("back"),
        decided: (outcome) => gateway.events.push(outcome),
      },
    }),
    lose() {
      gateway.isConnected = false;
      connection?.lost(new Error("closed"));
    },
    reconnect() {
      gateway.isConnected = true;
      connection?.ready();
    },
  };
  return gateway;
}

const LINKS = ["decides", "unheard", "fails", "lost"] as const;
const KEYS = ["a", "b"];
const WINDOW_MS = 1_000;
const OPERATIONS = 300;

function setLink(gateway: TestGateway, link: (typeof LINKS)[number]): void {
  if (link === "lost") {
    gateway.lose();
    return;
  }
  gateway.answer = link;
  gateway.isConnected = true;
  // A new connection, or the probe, four times a second.
  if (link === "decides") gateway.reconnect();
}

/** Plays a schedule. @returns the most admissions of any key in any window, and the number of outages */
async function playSchedule(count: number, limit: number): Promise<{ most: number; outages: number }> {
  const policy: Policy = { name: "login", limit, windowMs: WINDOW_MS };
  let now = 0;
  const redis = { limiter: createMemoryLimiter(10), startedAt: -WINDOW_MS };
  const gateways = Array.from({ length: count }, () => openGateway(redis, () => now, { instances: count }));
  const admissions = new Map<string, number[]>(KEYS.map((key) => [key, []]));
  let outages = 0;

  for (let operation = 0; operation < OPERATIONS; operation++) {
    if (Math.random() < 0.5) now += below(WINDOW_MS / (Math.random() < 0.1 ? 1 : 10));
    const draw = Math.random();
    if (draw < 0.03) {
      // Redis is killed and restarts empty.
      outages++;
      for (const gateway of gateways) gateway.lose();
      redis.limiter = createMemoryLimiter(10);
      redis.startedAt = now;
    } else if (draw < 0.15) {
      const link = LINKS[below(LINKS.length)] ?? "decides";
      if (link !== "decides") outages++;
      for (const gateway of gateways.slice(below(count)).slice(0, 1)) setLink(gateway, link);
    } else if (draw < 0.25) {
      for (const gateway of gateways) setLink(gateway, "decides");
    }
    // Probes are answered before the next login.
    for (let turn = 0; turn < 4; turn++) await null;
    const key = KEYS[below(KEYS.length)] ?? "a";
    const verdict = await gateways[below(count)]?.limiter.charge([{ policy, key }], now);
    if (verdict?.denied === -1) admissions.get(key)?.push(now);
  }
  for (const { limiter } of gateways) limiter.close();

  return { most: Math.max(...[...admissions.values()].map(countMost)), outages };
}

/** The most instants in any window. `times` ascend. */
function countMost(times: readonly number[]): number {
  let most = 0;
  let first = 0;
  for (const [last, time] of times.entries()) {
    while ((times[first] ?? time) <= time - WINDOW_MS) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

function below(bound: number): number {
  return Math.floor(Math.random() * bound);
}

/** Plays random schedules, of 1 to 4 gateways. @returns the number over their bound, and of those that reached it */
export async function playSchedules(
  count: number,
): Promise<{ readonly over: number; readonly reached: number; readonly outages: number }> {
  const total = { over: 0, reached: 0, outages: 0 };
  for (let played = 0; played < count; played++) {
    const gateways = 1 + below(4);
    const limit = 1 + below(12);
    const report = await playSchedule(gateways, limit);
    const bound = limit + gateways * Math.max(1, Math.floor(limit / gateways));
    if (report.most > bound) total.over++;
    if (report.most === bound) total.reached++;
    total.outages += report.outages;
  }
  return total;
}
