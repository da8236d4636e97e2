// Devices that log in at a steady rate, whatever becomes of the answers: at several gateways, each proof once. Knows the
// contract alone.

import { Agent, request } from "node:http";
import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY } from "../gateway.ts";
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
  const agent = new Agent({ keepAlive: true });
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
    const body = JSON.stringify(signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, timestamp));
    answers.push(post(agent, url, deviceKey, body));
  }

  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * rate;
    while (answers.length < due) sendNext();
  }, TICK_MS);

  return {
    async stop() {
      clearInterval(timer);
      const attempts = await Promise.all(answers);
      agent.destroy();
      return attempts;
    },
  };
}

/** A login that is not answered has the status 0. */
function post(agent: Agent, url: string, deviceKey: string, body: string): Promise<Attempt> {
  const sentAt = performance.now();
  return new Promise((resolve) => {
    const finish = (status: number, policy?: string): void =>
      resolve({ deviceKey, sentAt, answeredAt: performance.now(), status, policy });
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const sent = request(new URL("/auth/login", url), { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("error", () => finish(0));
      response.on("end", () => {
        const policy = /^"(\w+)"/.exec(String(response.headers["ratelimit-policy"] ?? ""))?.[1];
        finish(response.statusCode ?? 0, policy);
      });
    });
    sent.on("error", () => finish(0));
    sent.end(body);
  });
}
