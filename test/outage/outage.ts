// An outage of Redis under load: the admissions of two gateways, and the latency. The gateways run this module too.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pass } from "node:timers/promises";
import { REDIS_DEADLINE_MS } from "../../src/app/limits.ts";
import { adopt } from "../children.ts";
import { openGateway } from "../gateway.ts";
import { FAULTS, type FaultName } from "./faults.ts";
import { countFalseDenials, countMost, type Limits, latencyOf, startLoad } from "./load.ts";

export interface OutageOptions {
  readonly fault: FaultName;
  readonly limits: Limits;
  readonly devices: number;
  /** Logins a second, over all devices. */
  readonly rate: number;
  /** Duration of the load before, during and after the outage, in milliseconds. */
  readonly beforeMs: number;
  readonly awayMs: number;
  readonly afterMs: number;
  /** Deadline of Redis, in milliseconds; absent: the default. */
  readonly redisDeadlineMs?: number;
}

export interface OutageReport {
  readonly logins: number;
  /** Answers of 5xx, and logins that were not answered. */
  readonly failed: number;
  /** The most admissions in a window, and the bound. */
  readonly most: number;
  readonly bound: number;
  /** Denials of devices with fewer than `least` admissions in their window. */
  readonly falselyDenied: number;
  readonly least: number;
  /** Decisions without Redis. */
  readonly alone: number;
  readonly p999Ms: number;
}

const GATEWAYS = 2;

/** Runs a load through an outage. If Redis decided everything, the answers must keep the exact limit. */
export async function runOutage(options: OutageOptions): Promise<OutageReport> {
  const { limits, beforeMs, awayMs, afterMs } = options;
  await using cleanup = new AsyncDisposableStack();
  const fault = await FAULTS[options.fault]();
  cleanup.defer(() => fault.stop());
  const gateways = await openGateways(fault.redisUrl, options, cleanup);
  const { devices, rate } = options;
  const urls = gateways.map(({ publicUrl }) => publicUrl);
  using load = startLoad(urls, namesOf(devices), rate);
  await pass(beforeMs);
  await fault.begin();
  // A fault that does not heal by itself is ended after a while.
  if (!fault.heals) await pass(awayMs);
  await fault.end();
  await pass(fault.heals ? awayMs + afterMs : afterMs);
  const attempts = await load.stop();
  const share = Math.max(1, Math.floor(limits.limit / GATEWAYS));
  const alone = await countAlone(gateways);
  // On a busy machine Redis may be late, which is an outage too.
  const isExact = fault.alwaysAnswers === true && alone === 0;
  const least = isExact ? limits.limit : share;

  return {
    logins: attempts.length,
    failed: attempts.filter(({ status }) => status === 0 || status >= 500).length,
    most: countMost(attempts, limits.windowMs),
    bound: isExact ? limits.limit : limits.limit + GATEWAYS * share,
    falselyDenied: countFalseDenials(attempts, { ...limits, limit: least }),
    least,
    alone,
    p999Ms: latencyOf(attempts),
  };
}

async function openGateways(
  redisUrl: string,
  { fault, limits, devices, redisDeadlineMs = REDIS_DEADLINE_MS }: OutageOptions,
  cleanup: AsyncDisposableStack,
): Promise<readonly GatewayAddresses[]> {
  const settings = {
    REDIS_URL: redisUrl,
    INSTANCES: String(GATEWAYS),
    LOGIN_LIMIT: `${limits.limit}/${limits.windowMs}ms`,
  };
  // With the replay guard a new Redis would decide nothing for ten minutes, longer than the run.
  const replayGuard = fault === "move";
  const order = { settings, replayGuard, deviceKeys: namesOf(devices), redisDeadlineMs };
  return Promise.all(Array.from({ length: GATEWAYS }, () => openProcess(order, cleanup)));
}

function namesOf(devices: number): string[] {
  return Array.from({ length: devices }, (_, index) => `device-${index}`);
}

/** Number of decisions without Redis so far. */
async function countAlone(gateways: readonly GatewayAddresses[]): Promise<number> {
  const texts = await Promise.all(
    gateways.map(async ({ internalUrl }) => (await fetch(new URL("/metrics", internalUrl))).text()),
  );
  const counts = texts.flatMap((text) => [...text.matchAll(/^countersign_limits_decided_alone_total\S* (\d+)$/gm)]);
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

interface GatewayOrder {
  readonly settings: Readonly<Record<string, string>>;
  readonly deviceKeys: readonly string[];
  readonly replayGuard: boolean;
  /** How long Redis may take, in milliseconds. */
  readonly redisDeadlineMs: number;
}

interface GatewayAddresses {
  readonly publicUrl: string;
  readonly internalUrl: string;
}

/** Starts a gateway in its own process, which `cleanup` ends. */
async function openProcess(order: GatewayOrder, cleanup: AsyncDisposableStack): Promise<GatewayAddresses> {
  const child = adopt(fork(import.meta.filename));
  const ended = once(child, "exit");
  cleanup.defer(async () => {
    if (child.connected) child.disconnect();
    await ended;
  });
  child.send(order);
  const answer = await Promise.race([once(child, "message"), ended.then(() => undefined)]);
  if (answer === undefined) throw new Error("a gateway ended before it was open");
  return answer[0];
}

async function open({ settings, deviceKeys, replayGuard, redisDeadlineMs }: GatewayOrder): Promise<GatewayAddresses> {
  const gateway = await openGateway(settings, { redisDeadlineMs });
  for (const deviceKey of deviceKeys) await gateway.enrol({ deviceKey, replayGuard });
  process.once("disconnect", () => void gateway.close().then(() => process.exit(0)));
  return { publicUrl: gateway.publicUrl, internalUrl: gateway.internalUrl };
}

if (process.argv[1] === import.meta.filename) {
  process.once("message", async (order: GatewayOrder) => {
    process.send?.(await open(order));
  });
}
