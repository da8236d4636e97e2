// Checks limits against a load's answers: each answer gives only an interval for its decision.

import { quantile } from "../../bench/figures.ts";

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

/** The most admissions that were all decided within one window for certain, of any device. */
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

/** Denials by `login` for which the limit was not spent, however the admissions lay. */
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

/** The milliseconds in which all but one of a thousand attempts were answered. */
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
