// Logs in at two gateways that share a Redis, and checks limits. A decision falls between a request and its answer.

import { REDIS_DEADLINE_MS } from "../../src/app/limits.ts";
import { enrolMany, openGateway, postLogin, signNow, type TestGateway } from "../gateway.ts";

export interface Limits {
  readonly limit: number;
  readonly windowMs: number;
}

export interface GatewaysOptions {
  readonly redisUrl: string;
  readonly limits: Limits;
  readonly deviceKeys: readonly string[];
  readonly replayGuard?: boolean;
  /** How long Redis may take, in milliseconds; absent: the default. */
  readonly redisDeadlineMs?: number | undefined;
}

/** Starts two gateways with the same devices. `cleanup` closes them. */
export async function openGateways(options: GatewaysOptions, cleanup: AsyncDisposableStack) {
  const { redisUrl, limits, deviceKeys, replayGuard = false, redisDeadlineMs = REDIS_DEADLINE_MS } = options;
  const LOGIN_LIMIT = `${limits.limit}/${limits.windowMs}ms`;
  const open = async (): Promise<TestGateway> => {
    const gateway = await openGateway({ REDIS_URL: redisUrl, INSTANCES: "2", LOGIN_LIMIT }, { redisDeadlineMs });
    cleanup.defer(gateway.close);
    await enrolMany(gateway, deviceKeys, { replayGuard });
    return gateway;
  };
  return Promise.all([open(), open()]);
}

/** Number of decisions of gateways without Redis so far. */
export async function countAlone(gateways: readonly TestGateway[]): Promise<number> {
  const texts = await Promise.all(
    gateways.map(async ({ internalUrl }) => (await fetch(new URL("/metrics", internalUrl))).text()),
  );
  const counts = texts.flatMap((text) => [...text.matchAll(/^countersign_limits_decided_alone_total\S* (\d+)$/gm)]);
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

export type Attempt = Awaited<ReturnType<typeof logIn>>;

/** Logs in once. Times are of the load's own clock, in milliseconds. */
export async function logIn(url: string, deviceKey: string, timestamp?: number) {
  const login = signNow(deviceKey, undefined, timestamp);
  const sentAt = performance.now();
  const answer = await postLogin(url, login).catch(() => undefined);
  const isWhole = (await answer?.text().catch(() => undefined)) !== undefined;
  return {
    deviceKey,
    sentAt,
    answeredAt: performance.now(),
    /** 0 without an answer. */
    status: isWhole ? (answer?.status ?? 0) : 0,
    /** The limit that decided a 429. */
    policy: /^"(\w+)"/.exec(answer?.headers.get("ratelimit-policy") ?? "")?.[1],
  };
}

/** The most admissions of any device that were certainly decided within one window. */
export function countMost(attempts: readonly Attempt[], windowMs: number): number {
  let most = 0;
  for (const admitted of byDevice(attempts).map(onlyAdmitted)) {
    for (const { sentAt: start } of admitted) {
      const certain = admitted.filter(({ sentAt, answeredAt }) => sentAt >= start && answeredAt < start + windowMs);
      most = Math.max(most, certain.length);
    }
  }
  return most;
}

/** Denials by `login` below the limit, for all possible times of the admissions. */
export function countFalseDenials(attempts: readonly Attempt[], { limit, windowMs }: Limits): number {
  const isFalse = (one: Attempt, admitted: readonly Attempt[]): boolean => {
    if (one.status !== 429 || one.policy !== "login") return false;
    const possible = admitted.filter(
      ({ sentAt, answeredAt }) => sentAt < one.answeredAt && answeredAt > one.sentAt - windowMs,
    );
    return possible.length < limit;
  };
  return byDevice(attempts).flatMap((all) => all.filter((one) => isFalse(one, onlyAdmitted(all)))).length;
}

export function byDevice(attempts: readonly Attempt[]): Attempt[][] {
  return [...Map.groupBy(attempts, ({ deviceKey }) => deviceKey).values()];
}

export function onlyAdmitted(attempts: readonly Attempt[]): Attempt[] {
  return attempts.filter(({ status }) => status === 200);
}
