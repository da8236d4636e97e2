// A stranger who knows a device's name and no secret, and the device itself, at a real gateway.

import { createHmac } from "node:crypto";
import { Agent, request } from "node:http";
import { setInterval } from "node:timers/promises";
import { CUSTOMER_KEY, openGateway } from "./gateway.ts";

export interface StrangerOptions {
  readonly redisUrl: string;
  /** How long the stranger goes on with one device: under a window of `login`, which is a minute. */
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
  /** Its next one. */
  readonly after: Answer;
}

const LOGINS = 10;
const ADDRESSES = 249;
/** Requests that the stranger sends at a time: a timer is no finer. */
const TICK_MS = 5;

/** Lets a stranger send bad proofs from many addresses, while the device logs in as often as it may from its own. */
export async function meetStranger({ redisUrl, seconds, rate }: StrangerOptions): Promise<StrangerReport> {
  await using cleanup = new AsyncDisposableStack();
  const gateway = await openGateway({ REDIS_URL: redisUrl });
  cleanup.defer(() => gateway.close());
  const agent = new Agent({ keepAlive: true });
  cleanup.defer(() => agent.destroy());
  const deviceKey = await gateway.enrol();
  const logIn = (customerKey: string, localAddress: string): Promise<Answer> =>
    post(agent, gateway.publicUrl, sign(customerKey, deviceKey), localAddress);

  const strangers: Promise<Answer>[] = [];
  const victim: Answer[] = [];
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  for await (const _ of setInterval(TICK_MS)) {
    const share = elapsed() / seconds;
    while (strangers.length < Math.min(elapsed(), seconds) * rate) {
      strangers.push(logIn("a stranger's guess", `127.0.0.${2 + (strangers.length % ADDRESSES)}`));
    }
    // The last of them while the stranger still goes on.
    if (victim.length < LOGINS && share > victim.length / LOGINS) victim.push(await logIn(CUSTOMER_KEY, "127.0.0.1"));
    if (share >= 1 && victim.length === LOGINS) break;
  }
  const after = await logIn(CUSTOMER_KEY, "127.0.0.1");
  const stranger: Record<string, number> = {};
  for (const { status, reason, policy } of await Promise.all(strangers)) {
    const outcome = [status, reason, policy].filter((part) => part !== undefined).join(" ");
    stranger[outcome] = (stranger[outcome] ?? 0) + 1;
  }
  return { stranger, perSecond: strangers.length / elapsed(), victim, after };
}

function sign(customerKey: string, deviceKey: string): string {
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = createHmac("sha256", customerKey).update(`${timestamp}${deviceKey}`).digest("hex");
  return JSON.stringify({ device_key: deviceKey, timestamp, device_signature: signature });
}

function post(agent: Agent, url: string, body: string, localAddress: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const sent = request(new URL("/auth/login", url), { method: "POST", agent, localAddress, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => {
        const { reason, policy } = JSON.parse(text);
        resolve({ status: response.statusCode ?? 0, reason, policy, ms: performance.now() - sentAt });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
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
