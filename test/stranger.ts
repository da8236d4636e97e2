// A stranger who knows a device_key and no secret, and the device itself, at a real gateway.

import { Agent } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { postJson } from "./ask.ts";
import { openGateway, signNow } from "./gateway.ts";
import { sendAtRate } from "./pace.ts";

export interface StrangerOptions {
  readonly redisUrl: string;
  /** Duration of the stranger's attack on one device: shorter than the login limit's window of a minute. */
  readonly seconds: number;
  /** Bad proofs a second. */
  readonly rate: number;
}

export interface Answer {
  readonly status: number;
  readonly reason: string | undefined;
  readonly policy: string | undefined;
  readonly ms: number;
}

export interface StrangerReport {
  /** The stranger's requests by their answer. */
  readonly stranger: Readonly<Record<string, number>>;
  readonly perSecond: number;
  /** The device's first logins, as many as its limit. */
  readonly victim: readonly Answer[];
  /** The device's next login. */
  readonly after: Answer;
}

const LOGINS = 10;
const ADDRESSES = 249;

/** Lets a stranger send wrong proofs from many addresses, while the device logs in as often as it may from its own. */
export async function meetStranger({ redisUrl, seconds, rate }: StrangerOptions): Promise<StrangerReport> {
  await using cleanup = new AsyncDisposableStack();
  const gateway = await openGateway({ REDIS_URL: redisUrl });
  cleanup.defer(() => gateway.close());
  const agent = new Agent({ keepAlive: true });
  cleanup.defer(() => agent.destroy());
  const deviceKey = await gateway.enrol();
  async function logIn(localAddress: string, customerKey?: string): Promise<Answer> {
    const sentAt = performance.now();
    const login = signNow(deviceKey, customerKey);
    const { status, body } = await postJson(new URL("/auth/login", gateway.publicUrl), login, { agent, localAddress });
    const { reason, policy } = JSON.parse(body);
    return { status, reason, policy, ms: performance.now() - sentAt };
  }

  const started = performance.now();
  const guess = (index: number): Promise<Answer> => logIn(`127.0.0.${2 + (index % ADDRESSES)}`, "a stranger's guess");
  using attack = sendAtRate(rate, guess, rate * seconds);
  const victim: Answer[] = [];
  while (victim.length < LOGINS) {
    victim.push(await logIn("127.0.0.1"));
    // The logins are spread over the attack.
    await pause(Math.max(0, (victim.length / LOGINS) * seconds * 1_000 - (performance.now() - started)));
  }
  const strangers = await attack.stop();
  const perSecond = strangers.length / ((performance.now() - started) / 1_000);
  const after = await logIn("127.0.0.1");
  const stranger: Record<string, number> = {};
  for (const { status, reason, policy } of strangers) {
    const outcome = [status, reason, policy].filter((part) => part !== undefined).join(" ");
    stranger[outcome] = (stranger[outcome] ?? 0) + 1;
  }
  return { stranger, perSecond, victim, after };
}

/** A report in lines, as commands and tests print it. */
export function renderStranger({ stranger, perSecond, victim, after }: StrangerReport): string {
  const statuses = victim.map(({ status }) => status);
  const longest = Math.max(...victim.map(({ ms }) => ms));
  return [
    `stranger: ${JSON.stringify(stranger)}, ${perSecond.toFixed(0)} a second`,
    `device: ${statuses.join(" ")}, then ${after.status} by ${after.policy}; longest ${longest.toFixed(0)} ms`,
  ].join("\n");
}
