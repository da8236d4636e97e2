// Devices log in while PostgreSQL becomes slow, is cut off and comes back.

import { setTimeout as pause } from "node:timers/promises";
import { NO_LIMITS, namedSettings, postLogin, signNow } from "../gateway.ts";
import { sendAtRate } from "../pace.ts";
import { linesOf, serve } from "../program.ts";
import { startRelay } from "../redis/relay.ts";

export interface Phase {
  readonly name: string;
  readonly logins: number;
  /** Logins by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  /** The gateway's memory at the end of the phase, in MB. */
  readonly memoryMb: number;
}

export interface SlowOutcome {
  readonly phases: readonly Phase[];
  /** Time from the restored connection to the first login that the database answers. */
  readonly recoveryMs: number;
  /** Log lines about the database, of level 40 and over. */
  readonly lines: readonly string[];
}

export interface SlowOptions {
  readonly databaseUrl: string;
  readonly folder: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly delayMs: number;
}

/** Runs the phases: normal, slow, cut off, restored. */
export async function runSlowDatabase(options: SlowOptions): Promise<SlowOutcome> {
  const { databaseUrl, folder, perSecond, seconds, delayMs } = options;
  await using cleanup = new AsyncDisposableStack();
  const url = new URL(databaseUrl);
  const relay = await startRelay(Number(url.port));
  cleanup.defer(relay.stop);
  const proxied = Object.assign(new URL(databaseUrl), { port: String(relay.port) }).href;
  const env = namedSettings({ ...NO_LIMITS, DATA_DIR: folder, DATABASE_URL: proxied });
  const gateway = await serve(folder, { env }, [], (end) => cleanup.defer(end));
  const { publicUrl, internalUrl } = gateway;

  async function logIn(): Promise<{ readonly status: number; readonly ms: number }> {
    const began = performance.now();
    const answer = await postLogin(publicUrl, signNow("nobody"));
    await answer.arrayBuffer();
    return { status: answer.status, ms: performance.now() - began };
  }

  async function load(name: string): Promise<Phase> {
    using logins = sendAtRate(perSecond, logIn);
    await pause(seconds * 1_000);
    const answers = await logins.stop();
    const statuses: Record<string, number> = {};
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
    const slowestMs = Math.max(...answers.map(({ ms }) => ms));
    return { name, logins: answers.length, statuses, slowestMs, memoryMb: await memoryOf(internalUrl) };
  }

  const phases = [await load("normal")];
  relay.delay(delayMs);
  phases.push(await load(`answers ${delayMs} ms late`));
  relay.refuse(true);
  relay.cut();
  phases.push(await load("cut off"));
  relay.refuse(false);
  relay.delay(0);
  const restored = performance.now();
  // The login of an unknown device: 401 shows that the database answers.
  while ((await logIn()).status !== 401) await pause(10);
  const recoveryMs = performance.now() - restored;
  phases.push(await load("restored"));
  await gateway.end("SIGTERM");
  const lines = linesOf(gateway).filter(({ level }) => level >= 40);
  return { phases, recoveryMs, lines: lines.map(({ msg }) => msg) };
}

async function memoryOf(internalUrl: string): Promise<number> {
  const text = await (await fetch(new URL("/metrics", internalUrl))).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / 1e6;
}
