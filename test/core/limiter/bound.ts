// A model of the bound: real fallback limiters over a Redis as plainly as it can be said, through random outages.

import { createFallbackLimiter, type FallbackLimiter } from "../../../src/core/limiter/fallback.ts";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import type { RedisLimiter } from "../../../src/core/limiter/redis.ts";
import type { Policy } from "../../../src/core/ports.ts";

/** The fate of a command: decided, decided without an answer, lost on its way, or without a connection. */
const LINKS = ["up", "unheard", "silent", "refused"] as const;
type Link = (typeof LINKS)[number];

export interface Schedule {
  readonly gateways: number;
  readonly limit: number;
  readonly windowMs: number;
  readonly operations: number;
  /** Numbers from 0 to under 1. */
  readonly random: () => number;
  /** A planted mistake: a gateway forgets its local window when Redis returns. */
  readonly isForgetful?: boolean;
}

export interface BoundReport {
  readonly admitted: number;
  /** The most admissions of a key in any window. */
  readonly most: number;
  readonly bound: number;
  readonly outages: number;
}

const KEYS = ["a", "b"];

interface Model {
  now: number;
  startedAt: number;
  redis: ReturnType<typeof createMemoryLimiter>;
}

/** One gateway, and its way to Redis. */
function createGateway(model: Model, instances: number): { limiter: FallbackLimiter; setLink(link: Link): void } {
  let link: Link = "up";
  let listener: { lost(cause: Error): void; ready(): void } | undefined;
  const decide = async <Answer>(act: () => Answer): Promise<Answer> => {
    if (link === "refused" || link === "silent") throw new Error(link);
    const answer = act();
    if (link === "unheard") throw new Error(link);
    return answer;
  };
  const redis: RedisLimiter = {
    charge: (charges) => decide(() => ({ ...model.redis.decide(charges, model.now), now: model.now * 1_000 })),
    recall: () => undefined,
    probe: () => decide(() => {}),
  };
  const limiter = createFallbackLimiter({
    limiter: redis,
    availability: {
      startedAt: () => (link === "refused" ? undefined : model.startedAt),
      listen(events) {
        listener = events;
      },
    },
    mode: "local",
    instances,
    deadlineMs: 25,
    capacity: 10,
    elapsed: () => model.now,
    listener: { away: () => {}, back: () => {}, decided: () => {} },
  });
  return {
    limiter,
    setLink(next) {
      const isLost = next === "refused" && link !== "refused";
      link = next;
      if (isLost) listener?.lost(new Error("the connection was lost"));
      // A new connection, or the probe that comes four times a second.
      if (next === "up") listener?.ready();
    },
  };
}

/** Plays a schedule. */
async function playSchedule(schedule: Schedule): Promise<BoundReport> {
  const { gateways: count, limit, windowMs, random } = schedule;
  const policy: Policy = { name: "login", limit, windowMs };
  const model: Model = { now: 0, startedAt: -windowMs, redis: createMemoryLimiter(10) };
  let gateways = Array.from({ length: count }, () => createGateway(model, count));
  const below = (bound: number): number => Math.floor(random() * bound);
  const admissions = new Map<string, number[]>(KEYS.map((key) => [key, []]));
  let outages = 0;

  for (let operation = 0; operation < schedule.operations; operation++) {
    if (random() < 0.5) model.now += below(windowMs / (random() < 0.1 ? 1 : 10));
    const draw = random();
    if (draw < 0.03) {
      // Redis is killed, and starts anew with nothing.
      outages++;
      for (const gateway of gateways) gateway.setLink("refused");
      model.redis = createMemoryLimiter(10);
      model.startedAt = model.now;
    } else if (draw < 0.15) {
      const link = LINKS[below(LINKS.length)] ?? "up";
      if (link !== "up") outages++;
      const place = below(count);
      gateways[place]?.setLink(link);
    } else if (draw < 0.25) {
      for (const gateway of gateways) gateway.setLink("up");
      if (schedule.isForgetful) {
        for (const { limiter } of gateways) limiter.close();
        gateways = gateways.map(() => createGateway(model, count));
      }
    }
    // Probes are answered before the next login.
    for (let turn = 0; turn < 4; turn++) await null;
    const key = KEYS[below(KEYS.length)] ?? "a";
    const verdict = await gateways[below(count)]?.limiter.charge([{ policy, key }], model.now);
    if (verdict?.denied === -1) admissions.get(key)?.push(model.now);
  }
  for (const { limiter } of gateways) limiter.close();

  const lists = [...admissions.values()];
  return {
    admitted: lists.reduce((sum, { length }) => sum + length, 0),
    most: Math.max(...lists.map((times) => countMost(times, windowMs))),
    bound: limit + count * Math.max(1, Math.floor(limit / count)),
    outages,
  };
}

/** The most instants in any window; they ascend. */
function countMost(times: readonly number[], windowMs: number): number {
  let most = 0;
  let first = 0;
  for (const [last, time] of times.entries()) {
    while ((times[first] ?? time) <= time - windowMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** Plays random schedules, of 1 to 4 gateways. @returns how many went over their bound, and how many came to it */
export async function playSchedules(
  count: number,
  random: () => number,
  options: Pick<Schedule, "isForgetful"> = {},
): Promise<{ readonly over: number; readonly reached: number; readonly outages: number; readonly admitted: number }> {
  const total = { over: 0, reached: 0, outages: 0, admitted: 0 };
  for (let played = 0; played < count; played++) {
    const gateways = 1 + Math.floor(random() * 4);
    const limit = 1 + Math.floor(random() * 12);
    const report = await playSchedule({ gateways, limit, windowMs: 1_000, operations: 300, random, ...options });
    if (report.most > report.bound) total.over++;
    if (report.most === report.bound) total.reached++;
    total.outages += report.outages;
    total.admitted += report.admitted;
  }
  return total;
}
