// A model of the bound: real fallback limiters over a simple Redis, through random outages.

import { createFallbackLimiter, type FallbackLimiter } from "../../../src/core/limiter/fallback.ts";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import type { RedisLimiter } from "../../../src/core/limiter/redis.ts";
import type { Policy } from "../../../src/core/ports.ts";

/** The link to Redis: works, loses answers, loses commands, or is closed. */
const LINKS = ["up", "unheard", "silent", "refused"] as const;
type Link = (typeof LINKS)[number];

const KEYS = ["a", "b"];
const WINDOW_MS = 1_000;
const OPERATIONS = 300;

interface Model {
  now: number;
  startedAt: number;
  redis: ReturnType<typeof createMemoryLimiter>;
}

/** One gateway and its link to Redis. */
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
      // A new connection, or the probe, four times a second.
      if (next === "up") listener?.ready();
    },
  };
}

/** Plays a schedule. @returns the most admissions of any key in any window, and the number of outages */
async function playSchedule(
  count: number,
  limit: number,
  isForgetful: boolean,
): Promise<{ most: number; admitted: number; outages: number }> {
  const policy: Policy = { name: "login", limit, windowMs: WINDOW_MS };
  const model: Model = { now: 0, startedAt: -WINDOW_MS, redis: createMemoryLimiter(10) };
  let gateways = Array.from({ length: count }, () => createGateway(model, count));
  const admissions = new Map<string, number[]>(KEYS.map((key) => [key, []]));
  let outages = 0;

  for (let operation = 0; operation < OPERATIONS; operation++) {
    if (Math.random() < 0.5) model.now += below(WINDOW_MS / (Math.random() < 0.1 ? 1 : 10));
    const draw = Math.random();
    if (draw < 0.03) {
      // Redis is killed and restarts empty.
      outages++;
      for (const gateway of gateways) gateway.setLink("refused");
      model.redis = createMemoryLimiter(10);
      model.startedAt = model.now;
    } else if (draw < 0.15) {
      const link = LINKS[below(LINKS.length)] ?? "up";
      if (link !== "up") outages++;
      const index = below(count);
      gateways[index]?.setLink(link);
    } else if (draw < 0.25) {
      for (const gateway of gateways) gateway.setLink("up");
      if (isForgetful) {
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
    most: Math.max(...lists.map(countMost)),
    outages,
  };
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

/**
 * Plays random schedules, of 1 to 4 gateways.
 * @param isForgetful a planted bug: a gateway clears its local window when Redis returns
 * @returns the number of schedules over their bound, and of those that reached it
 */
export async function playSchedules(
  count: number,
  isForgetful = false,
): Promise<{ readonly over: number; readonly reached: number; readonly outages: number; readonly admitted: number }> {
  const total = { over: 0, reached: 0, outages: 0, admitted: 0 };
  for (let played = 0; played < count; played++) {
    const gateways = 1 + below(4);
    const limit = 1 + below(12);
    const report = await playSchedule(gateways, limit, isForgetful);
    const bound = limit + gateways * Math.max(1, Math.floor(limit / gateways));
    if (report.most > bound) total.over++;
    if (report.most === bound) total.reached++;
    total.outages += report.outages;
    total.admitted += report.admitted;
  }
  return total;
}
