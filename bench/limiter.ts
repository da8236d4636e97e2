// `npm run bench:limiter [-- --only cpu|denials|memory] [--rounds N]`: what the limiter on Redis costs, and its targets.

import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { connectRedis } from "../src/core/limiter/connection.ts";
import { createFallbackLimiter } from "../src/core/limiter/fallback.ts";
import { createRedisLimiter } from "../src/core/limiter/redis.ts";
import { parseRedisUrl } from "../src/core/limiter/redis-url.ts";
import type { Charge, Limiter, Policy } from "../src/core/ports.ts";
import { monotonicNow } from "../src/telemetry/clock.ts";
import { startRedis } from "../test/redis/server.ts";
import { LOGIN_LIMIT, WINDOW_MS } from "./contract.ts";
import { runParts, type Section, show, spreadOf } from "./figures.ts";

const IN_FLIGHT = 64;
const CPU_OPERATIONS = 20_000;
const CPU_TARGET_MICROS = 20;
const DENIALS = 200_000;
const DENIAL_TARGET_MICROS = 2;
const FILLED_KEYS = 100_000;
const KEY_TARGET_BYTES = 240;

const LOGIN: Policy = { name: "login", limit: LOGIN_LIMIT, windowMs: WINDOW_MS };
const REPLAY: Policy = { name: "replay", limit: 1, windowMs: 601_000 };

interface Subject {
  readonly redis: Redis;
  /** As the gateway wires it. */
  readonly limiter: Limiter;
  readonly rounds: number;
}

const loginOf = (key: string): readonly Charge[] => [{ policy: LOGIN, key }];
const guardedOf = (key: string): readonly Charge[] => [...loginOf(key), { policy: REPLAY, key: `${key} 1764000000` }];

async function decide(limiter: Limiter, charges: readonly Charge[], denied: number): Promise<void> {
  const verdict = await limiter.charge(charges, Date.now());
  if (verdict.denied !== denied) throw new Error("void: another decision was due");
}

/** Runs `act` many times, IN_FLIGHT at a time. @returns CPU of this process for each run, in microseconds */
async function runLanes(times: number, act: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  let due = times;
  const lane = async (): Promise<void> => {
    while (due-- > 0) await act();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

async function measureCpu({ redis, limiter, rounds }: Subject): Promise<Section> {
  const lanes = { "a login": loginOf, "a login under replay guard": guardedOf };
  const rows = [["", "µs", "above the PING before it, µs"]];
  const targets: Section["targets"][number][] = [];
  for (const [label, chargesOf] of Object.entries(lanes)) {
    const [costs, above]: [number[], number[]] = [[], []];
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      const keys = Array.from({ length: CPU_OPERATIONS }, () => randomUUID());
      const ping = await runLanes(CPU_OPERATIONS, () => redis.ping());
      const cost = await runLanes(CPU_OPERATIONS, () => decide(limiter, chargesOf(keys.pop() ?? ""), -1));
      if (round === 0) continue;
      costs.push(cost);
      above.push(cost - ping);
    }
    const spread = spreadOf(above);
    rows.push([label, show(spreadOf(costs), 1), show(spread, 1)]);
    const text = `${label}: ${show(spread, 1)} µs above a PING, at most ${CPU_TARGET_MICROS}`;
    targets.push({ text, met: spread.median <= CPU_TARGET_MICROS });
  }
  return { title: `Client CPU of a decision, ${IN_FLIGHT} in flight on one connection`, rows, targets };
}

async function measureDenials({ limiter, rounds }: Subject): Promise<Section> {
  const rows = [["spent limits", "µs a denial"]];
  const targets: Section["targets"][number][] = [];
  for (const count of [1, 10_000]) {
    const policy: Policy = { ...LOGIN, limit: 1, windowMs: 3_600_000 };
    const spent = Array.from({ length: count }, (): readonly Charge[] => [{ policy, key: randomUUID() }]);
    for (const charges of spent) await limiter.charge(charges, Date.now());
    const micros: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const started = performance.now();
      for (let turn = 0; turn < DENIALS; turn++) await decide(limiter, spent[turn % count] ?? [], 0);
      if (round > 0) micros.push(((performance.now() - started) * 1_000) / DENIALS);
    }
    const spread = spreadOf(micros);
    rows.push([String(count), show(spread, 2)]);
    const text = `a known denial of ${count}: ${show(spread, 2)} µs, at most ${DENIAL_TARGET_MICROS}`;
    targets.push({ text, met: spread.median <= DENIAL_TARGET_MICROS });
  }
  return { title: `A denial that is known, ${DENIALS} a round`, rows, targets };
}

async function measureMemory({ redis, limiter }: Subject): Promise<Section> {
  const fill = async (): Promise<void> => {
    const charges = [{ policy: { ...LOGIN, windowMs: 600_000 }, key: randomUUID() }];
    for (let turn = 0; turn < LOGIN_LIMIT; turn++) await limiter.charge(charges, Date.now());
  };
  const usedMemory = async (): Promise<number> =>
    Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1] ?? Number.NaN);
  // The connection's buffers grow before the first measurement.
  await runLanes(IN_FLIGHT, fill);
  const [keysBefore, before] = [await redis.dbsize(), await usedMemory()];
  await runLanes(FILLED_KEYS, fill);
  const [keys, after] = [(await redis.dbsize()) - keysBefore, await usedMemory()];
  const bytes = (after - before) / keys;
  const text = `${bytes.toFixed(1)} bytes a key of ten, at most ${KEY_TARGET_BYTES}`;
  return {
    title: `Redis memory: devices named by UUID, ${LOGIN_LIMIT} admissions each`,
    rows: [
      ["keys", "used_memory before", "after", "bytes a key"],
      [String(keys), String(before), String(after), bytes.toFixed(1)],
    ],
    targets: [{ text, met: bytes <= KEY_TARGET_BYTES }],
  };
}

const PARTS = { cpu: measureCpu, denials: measureDenials, memory: measureMemory };
const { values } = parseArgs({
  options: { only: { type: "string", multiple: true, default: [] }, rounds: { type: "string", default: "8" } },
});
const rounds = Number(values.rounds);
if (!(rounds > 0)) throw new Error("--rounds is a whole number above zero");

async function measure(part: (subject: Subject) => Promise<Section>): Promise<Section> {
  await using cleanup = new AsyncDisposableStack();
  // A server each: a part leaves its keys behind.
  const server = await startRedis();
  cleanup.defer(server.stop);
  // Redis has been up for an hour, as far as the limiter can tell.
  let ahead = 0;
  const elapsed = (): number => monotonicNow() + ahead;
  const connection = await connectRedis(parseRedisUrl(server.url), elapsed);
  cleanup.defer(connection.close);
  ahead = 3_600_000;
  const limiter = createFallbackLimiter({
    limiter: createRedisLimiter(connection.client, { elapsed, isOneServer: true }),
    availability: connection,
    mode: "deny",
    instances: 1,
    // No decision may be given up in a measurement, whatever the machine does.
    deadlineMs: 10_000,
    elapsed,
    listener: { away: () => {}, back: () => {}, decided: () => {} },
  });
  cleanup.defer(limiter.close);
  await limiter.open();
  for (const charges of [loginOf("warming"), guardedOf("warming up")]) await limiter.charge(charges, Date.now());
  const { client } = connection;
  if (!(client instanceof Redis)) throw new TypeError("one server is no Cluster");
  return await part({ redis: client, limiter, rounds });
}

const parts = Object.entries(PARTS).map(([name, part]) => [name, () => measure(part)]);
await runParts(Object.fromEntries(parts), values.only, " Medians of the rounds (least–most).");
