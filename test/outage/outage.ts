// An outage of Redis under load, beside the same load without one: what two gateways admitted, how late, and when they were
// exact again.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pass } from "node:timers/promises";
import { REDIS_DEADLINE_MS } from "../../src/app.ts";
import { type Attempt, countMost, findFalseDenials, findOverAdmissions, type Limits, quantile } from "./analysis.ts";
import { FAULTS, type FaultName } from "./faults.ts";
import type { GatewayAddresses, GatewayOrder } from "./gateway-process.ts";
import { type Load, startLoad } from "./load.ts";
import { createProofMonitor } from "./monitor.ts";

export interface OutageOptions {
  readonly fault: FaultName;
  readonly limits: Limits;
  readonly devices: number;
  /** Logins a second, over all devices. */
  readonly rate: number;
  /** How long the load lasts before Redis goes away, while it is and after it is back, in milliseconds. */
  readonly beforeMs: number;
  readonly awayMs: number;
  readonly afterMs: number;
  /** How long Redis may take to decide, in milliseconds; absent: as long as in production. */
  readonly redisDeadlineMs?: number;
}

export interface OutageReport {
  readonly logins: number;
  /** Answers of 5xx, and logins that were not answered. */
  readonly failed: number;
  readonly most: number;
  readonly bound: number;
  /** Before it, and once it was exact again: admissions over the limit, and denials under it, for certain. */
  readonly overAdmitted: number;
  readonly falselyDenied: number;
  /** From Redis's return until every gateway trusted it, in milliseconds. */
  readonly exactAgainMs: number;
  readonly executed: number;
  readonly repeated: number;
  readonly p999Ms: number;
  /** Something was decided without Redis while all of it was there: the machine was too busy to say more. */
  readonly disturbed: boolean;
}

const GATEWAYS = 2;
/** An outage takes as long to begin. */
const BEGINNING_MS = 50;
export const EXACT_AGAIN_MS = 1_000;

/** Runs a load through an outage. */
export async function runOutage(options: OutageOptions): Promise<OutageReport> {
  const { limits, beforeMs, awayMs, afterMs } = options;
  await using cleanup = new AsyncDisposableStack();
  const fault = await FAULTS[options.fault]();
  cleanup.defer(() => fault.stop());
  const proofs = createProofMonitor();
  cleanup.defer(() => proofs.stop());
  await proofs.watch(fault.servers);
  const gateways = await openGateways(fault.redisUrl, options, cleanup);

  const load = loadOf(gateways, options);
  await pass(beforeMs);
  const aloneBefore = await countAlone(gateways);
  const goneAt = performance.now();
  await fault.begin();
  // What heals by itself is waited for; what comes back when it is told is left away for a while.
  if (!fault.heals) await pass(awayMs);
  await fault.end();
  const backAt = performance.now();
  await proofs.watch(fault.servers);
  await Promise.all(gateways.map(({ internalUrl }) => untilReady(internalUrl)));
  const exactAt = performance.now();
  const aloneMeanwhile = await countAlone(gateways);
  await pass(fault.heals ? awayMs + afterMs : afterMs);
  const attempts = await load.stop();
  const aloneInAll = await countAlone(gateways);

  const share = Math.max(1, Math.floor(limits.limit / GATEWAYS));
  const late = answeredLate(attempts, goneAt);
  const never = Number.POSITIVE_INFINITY;
  return {
    logins: attempts.length,
    failed: attempts.filter(({ status }) => status === 0 || status >= 500).length,
    most: countMost(attempts, limits),
    bound: limits.limit + GATEWAYS * share,
    overAdmitted: [
      ...findOverAdmissions(attempts, limits, 0, goneAt),
      ...findOverAdmissions(attempts, limits, exactAt, never),
    ].length,
    falselyDenied: [...findFalseDenials(attempts, limits, 0, goneAt), ...findFalseDenials(late, limits, exactAt, never)]
      .length,
    exactAgainMs: exactAt - backAt,
    ...proofs.count(),
    p999Ms: quantile(attempts, 0.999),
    disturbed: aloneBefore > 0 || aloneInAll > aloneMeanwhile || (fault.leavesAll === true && aloneInAll > 0),
  };
}

/** The same load for as long without an outage. @returns the latency of all but one in a thousand, in milliseconds */
export async function runCalm(options: OutageOptions): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const fault = await FAULTS[options.fault]();
  cleanup.defer(() => fault.stop());
  const load = loadOf(await openGateways(fault.redisUrl, options, cleanup), options);
  await pass(options.beforeMs + options.awayMs + options.afterMs);
  return quantile(await load.stop(), 0.999);
}

async function openGateways(
  redisUrl: string,
  { limits, devices, redisDeadlineMs = REDIS_DEADLINE_MS }: OutageOptions,
  cleanup: AsyncDisposableStack,
): Promise<readonly GatewayAddresses[]> {
  const settings = {
    REDIS_URL: redisUrl,
    INSTANCES: String(GATEWAYS),
    LOGIN_LIMIT: `${limits.limit}/${limits.windowMs}ms`,
    ADDRESS_LIMIT: "1000000/60s",
  };
  const order = { settings, deviceKeys: namesOf(devices), redisDeadlineMs };
  const gateways = await Promise.all(Array.from({ length: GATEWAYS }, () => openProcess(order, cleanup)));
  // Redis has only just started: they settle first.
  await Promise.all(gateways.map(({ internalUrl }) => untilReady(internalUrl)));
  return gateways;
}

function loadOf(gateways: readonly GatewayAddresses[], { devices, rate }: OutageOptions): Load {
  return startLoad({ urls: gateways.map(({ publicUrl }) => publicUrl), deviceKeys: namesOf(devices), rate });
}

function namesOf(devices: number): string[] {
  return Array.from({ length: devices }, (_, place) => `device-${place}`);
}

/** A login that was under way when Redis went may have been counted there too, whatever became of it here. */
function answeredLate(attempts: readonly Attempt[], goneAt: number): Attempt[] {
  return attempts.flatMap((one) =>
    one.sentAt < goneAt + BEGINNING_MS && one.answeredAt > goneAt ? [one, { ...one, status: 200 }] : [one],
  );
}

async function openProcess(order: GatewayOrder, cleanup: AsyncDisposableStack): Promise<GatewayAddresses> {
  const child = fork(new URL("gateway-process.ts", import.meta.url));
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

/** How much was decided without Redis so far. */
async function countAlone(gateways: readonly GatewayAddresses[]): Promise<number> {
  const texts = await Promise.all(
    gateways.map(async ({ internalUrl }) => (await fetch(new URL("/metrics", internalUrl))).text()),
  );
  const counts = texts.flatMap((text) => [...text.matchAll(/^countersign_limits_decided_alone_total\S* (\d+)$/gm)]);
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

async function untilReady(internalUrl: string): Promise<void> {
  for (;;) {
    const answer = await fetch(new URL("/readyz", internalUrl));
    if ((await answer.text()).includes('"status":"ready"')) return;
    await pass(10);
  }
}
