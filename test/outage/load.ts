// Devices that log in at a steady rate at several gateways, each proof once, without waiting for answers.

import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY, postLogin } from "../gateway.ts";
import type { Attempt } from "./analysis.ts";

export interface LoadOptions {
  readonly urls: readonly string[];
  readonly deviceKeys: readonly string[];
  /** Logins a second, over all devices. */
  readonly rate: number;
}

export interface Load {
  /** Sends no more, and waits for the answers. */
  stop(): Promise<readonly Attempt[]>;
}

/** Requests for each tick: a timer is no finer. */
const TICK_MS = 5;
/** Proofs are dated from the oldest that is fresh still, so that each of a device's is another. */
const OLDEST_PROOF_S = 280;

export function startLoad({ urls, deviceKeys, rate }: LoadOptions): Load {
  const started = performance.now();
  const proofs = new Map<string, number>();
  const answers: Promise<Attempt>[] = [];

  function sendNext(): void {
    const place = answers.length;
    const deviceKey = deviceKeys[place % deviceKeys.length] ?? "";
    // Each device goes to all gateways in turn.
    const url = urls[Math.floor(place / deviceKeys.length) % urls.length] ?? "";
    const timestamp = proofs.get(deviceKey) ?? Math.floor(Date.now() / 1000) - OLDEST_PROOF_S;
    proofs.set(deviceKey, timestamp + 1);
    answers.push(logIn(url, deviceKey, timestamp));
  }

  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * rate;
    while (answers.length < due) sendNext();
  }, TICK_MS);

  return {
    async stop() {
      clearInterval(timer);
      return Promise.all(answers);
    },
  };
}

/** Logs in. Without an answer the status is 0. */
async function logIn(url: string, deviceKey: string, timestamp: number): Promise<Attempt> {
  const login = signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, timestamp);
  const sentAt = performance.now();
  const answer = await postLogin(url, login).catch(() => undefined);
  const isWhole = (await answer?.text().catch(() => undefined)) !== undefined;
  const policy = /^"(\w+)"/.exec(answer?.headers.get("ratelimit-policy") ?? "")?.[1];
  return { deviceKey, sentAt, answeredAt: performance.now(), status: isWhole ? (answer?.status ?? 0) : 0, policy };
}
