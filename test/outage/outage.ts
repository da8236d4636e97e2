// `npm run outage [-- --only kill] [--away 30]`: each kind of Redis outage under load, and its result.
// On a busy disk the registry's writes are late too: with TMPDIR=/dev/shm the result depends on Redis alone.

import { setTimeout as pass } from "node:timers/promises";
import { parseArgs } from "node:util";
import { quantile } from "../../bench/figures.ts";
import { report } from "../long-run.ts";
import { sendAtRate } from "../pace.ts";
import { startRelay } from "../redis/relay.ts";
import { type RedisServer, startCluster, startRedis, startSentinel, until } from "../redis/server.ts";
import { countAlone, countFalseDenials, countMost, type Limits, logIn, openGateways } from "./logins.ts";

const MOVED_DEVICES = 6;
const FLAPS = 6;

type FaultName = keyof typeof FAULTS;

/** Kinds of Redis outage. Each function starts the servers. Their fault lasts `awayMs`, unless Redis recovers by itself, and ends when it accepts writes again. */
const FAULTS = {
  /** No fault: the same load for comparison. */
  calm: on(startRedis, (_, awayMs) => pass(awayMs)),

  /** kill -9, and a server that starts empty. */
  kill: on(startRedis, async ({ kill, restart }, awayMs) => {
    await kill();
    await pass(awayMs);
    await restart();
  }),

  /** SIGSTOP: connections stay, and new ones are accepted; nothing answers. */
  pause: on(startRedis, async ({ pause, resume }, awayMs) => {
    pause();
    await pass(awayMs);
    resume();
  }),

  /** Repeated kill -9, each followed by a restart a second later, within one window of the limit. */
  flap: on(startRedis, async ({ kill, restart }) => {
    for (let flap = 0; flap < FLAPS; flap++) {
      await kill();
      await pass(1_000);
      await restart();
      await pass(400);
    }
  }),

  /** A network that first loses every packet, then only those of old connections. */
  swallow: on(startBehindRelay, async ({ swallow }, awayMs) => {
    swallow({ newConnections: "swallowed" });
    await pass(awayMs);
    swallow({ newConnections: "works" });
  }),

  /** kill -9 of the master that Sentinels watch; they make a replica the master. */
  sentinel: on(startSentinel, async ({ master, replicas }) => {
    await master.kill();
    await until(async () => (await Promise.all(replicas.map(isMaster))).includes(true));
  }),

  /** kill -9 of one of a Cluster's masters; its replica takes its slots over. */
  cluster: on(startCluster, async ({ masters, replicas }) => {
    await masters[0].kill();
    await until(() => isMaster(replicas[0]));
  }),

  /** No outage: the slots of some devices move between a Cluster's masters. */
  move: on(startCluster, async ({ moveSlot }) => {
    for (let device = 0; device < MOVED_DEVICES; device++) await moveSlot(`=device-${device}`);
  }),
};

function on<Started extends { readonly url: string; stop(): Promise<void> }>(
  start: () => Promise<Started>,
  strike: (servers: Started, awayMs: number) => Promise<unknown>,
) {
  return async (cleanup: AsyncDisposableStack) => {
    const servers = await start();
    cleanup.defer(servers.stop);
    return { redisUrl: servers.url, strike: (awayMs: number) => strike(servers, awayMs) };
  };
}

async function startBehindRelay() {
  const server = await startRedis();
  const { port, swallow, stop } = await startRelay(server.port);
  return {
    url: `redis://127.0.0.1:${port}`,
    swallow,
    async stop(): Promise<void> {
      await stop();
      await server.stop();
    },
  };
}

async function isMaster(server: RedisServer): Promise<boolean> {
  return (await server.info("role")) === "master";
}

export interface OutageOptions {
  readonly fault: FaultName;
  readonly limits: Limits;
  readonly devices: number;
  /** Logins a second, over all devices. */
  readonly rate: number;
  /** Duration of an outage that does not end by itself. */
  readonly awayMs: number;
  readonly redisDeadlineMs?: number;
}

/** Age of a device's first proof: each later proof is a second younger, so that none repeats. */
const OLDEST_PROOF_S = 280;

/** Runs a load through an outage. If Redis decided everything, the answers must keep the exact limit. */
export async function runOutage(options: OutageOptions) {
  const { fault, limits, devices, rate, awayMs, redisDeadlineMs } = options;
  await using cleanup = new AsyncDisposableStack();
  const { redisUrl, strike } = await FAULTS[fault](cleanup);
  const deviceKeys = Array.from({ length: devices }, (_, index) => `device-${index}`);
  const alwaysAnswers = fault === "move";
  // With the replay guard a new Redis would decide nothing for ten minutes, longer than the run.
  const replayGuard = alwaysAnswers;
  const gateways = await openGateways({ redisUrl, limits, deviceKeys, replayGuard, redisDeadlineMs }, cleanup);
  const firstProof = Math.floor(Date.now() / 1_000) - OLDEST_PROOF_S;
  // Each device goes to both gateways in turn.
  using load = sendAtRate(rate, (index) => {
    const turn = Math.floor(index / devices);
    return logIn(gateways[turn % 2 === 0 ? 0 : 1].publicUrl, `device-${index % devices}`, firstProof + turn);
  });
  // The fault begins when the limits are free again, so that every admission is a decision.
  await pass(limits.windowMs);
  await strike(awayMs);
  await pass(1.5 * limits.windowMs);
  const attempts = await load.stop();
  const alone = await countAlone(gateways);
  const share = Math.max(1, Math.floor(limits.limit / gateways.length));
  // On a busy machine Redis may be late, which is an outage too.
  const isExact = alwaysAnswers && alone === 0;
  const least = isExact ? limits.limit : share;
  const latencies = attempts.map(({ sentAt, answeredAt }) => answeredAt - sentAt);

  return {
    logins: attempts.length,
    /** Answers of 5xx, and logins that were not answered. */
    failed: attempts.filter(({ status }) => status === 0 || status >= 500).length,
    /** The most admissions in a window, and the bound. */
    most: countMost(attempts, limits.windowMs),
    bound: isExact ? limits.limit : limits.limit + gateways.length * share,
    /** Denials of devices with fewer than `least` admissions in their window. */
    falselyDenied: countFalseDenials(attempts, { ...limits, limit: least }),
    least,
    /** Decisions without Redis. */
    alone,
    p999Ms: quantile(
      latencies.sort((one, other) => one - other),
      0.999,
    ),
  };
}

/** How much later than without a fault a login may be answered. */
const LATER_MS = 60;

async function runAll(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: "string", multiple: true, default: [] }, away: { type: "string", default: "30" } },
  });
  const isFault = (name: string): name is FaultName => Object.hasOwn(FAULTS, name);
  const names = values.only.length === 0 ? Object.keys(FAULTS) : ["calm", ...values.only];
  if (!names.every(isFault)) throw new Error(`--only is one of ${Object.keys(FAULTS).join(", ")}`);
  let calmMs = Number.NaN;
  for (const fault of names) {
    const { logins, failed, most, bound, falselyDenied, least, alone, p999Ms } = await runOutage({
      fault,
      limits: { limit: 10, windowMs: 10_000 },
      devices: 50,
      rate: 150,
      awayMs: Number(values.away) * 1_000,
    });
    if (fault === "calm") calmMs = p999Ms;
    const mostMs = calmMs + LATER_MS;
    const isMet = failed === 0 && most <= bound && falselyDenied === 0 && p999Ms <= mostMs;
    const line = [
      `${fault}: ${logins} logins at two gateways, ${failed} answered 5xx or not at all`,
      `at most ${most} admitted in a window, bound ${bound}`,
      `${falselyDenied} denied after less than ${least} in their window, ${alone} decisions without Redis`,
      `p99.9 ${p999Ms.toFixed(1)} ms, at most ${mostMs.toFixed(1)}`,
    ].join("; ");
    report(line, isMet ? [] : ["NOT met"]);
  }
}

if (process.argv[1] === import.meta.filename) await runAll();
