// Devices that log in at a steady rate, and a check of the limits. A decision falls between the request and its answer.

import { quantile } from "../../bench/figures.ts";
import { postLogin, signNow } from "../gateway.ts";
import { type Pace, sendAtRate } from "../pace.ts";

/** One login, by the load's own clock in milliseconds. */
export interface Attempt {
  readonly deviceKey: string;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly status: number;
  /** The limit that decided a 429. */
  readonly policy: string | undefined;
}

export interface Limits {
  readonly limit: number;
  readonly windowMs: number;
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

/** The 99.9th percentile of the latency, in milliseconds. */
export function latencyOf(attempts: readonly Attempt[]): number {
  const latencies = attempts.map(({ sentAt, answeredAt }) => answeredAt - sentAt);
  return quantile(
    latencies.sort((one, other) => one - other),
    0.999,
  );
}

function byDevice(attempts: readonly Attempt[]): Attempt[][] {
  return [...Map.groupBy(attempts, ({ deviceKey }) => deviceKey).values()];
}

function onlyAdmitted(attempts: readonly Attempt[]): Attempt[] {
  return attempts.filter(({ status }) => status === 200);
}

/** Age of a device's first proof: each later proof is a second younger, so that none repeats. */
const OLDEST_PROOF_S = 280;

/** Starts `rate` logins a second, over all devices; each device goes to all gateways in turn. */
export function startLoad(urls: readonly string[], deviceKeys: readonly string[], rate: number): Pace<Attempt> {
  const proofs = new Map<string, number>();
  return sendAtRate(rate, (index) => {
    const deviceKey = deviceKeys[index % deviceKeys.length] ?? "";
    const url = urls[Math.floor(index / deviceKeys.length) % urls.length] ?? "";
    const timestamp = proofs.get(deviceKey) ?? Math.floor(Date.now() / 1000) - OLDEST_PROOF_S;
    proofs.set(deviceKey, timestamp + 1);
    return logIn(url, deviceKey, timestamp);
  });
}

/** Logs in. Without an answer the status is 0. */
async function logIn(url: string, deviceKey: string, timestamp: number): Promise<Attempt> {
  const login = signNow(deviceKey, undefined, timestamp);
  const sentAt = performance.now();
  const answer = await postLogin(url, login).catch(() => undefined);
  const isWhole = (await answer?.text().catch(() => undefined)) !== undefined;
  const policy = /^"(\w+)"/.exec(answer?.headers.get("ratelimit-policy") ?? "")?.[1];
  return { deviceKey, sentAt, answeredAt: performance.now(), status: isWhole ? (answer?.status ?? 0) : 0, policy };
}
