// Runs attacks on a gateway while devices log in, and judges the effect.

import { type ChildProcess, fork, type Serializable } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { AttackOrder } from "./attacker.ts";
import { planOf } from "./attacks.ts";
import type { SiegedGateway, Site } from "./gateway.ts";
import type { LoginFigures, LoginOrder } from "./logins.ts";
import { type AttackPlan, Findings } from "./target.ts";

export interface SiegeRow {
  readonly name: string;
  readonly count: number;
  readonly seconds: number;
  readonly logins: LoginFigures;
  /** Resident memory of the gateway, in MB: at its start, after a warm-up, at the most, and once the attack is over. */
  readonly rss: { readonly fresh: number; readonly before: number; readonly peak: number; readonly after: number };
  /** Conditions that do not hold; empty: all do. */
  readonly broken: readonly string[];
}

const MOST_FAILED = 0.001;
const MOST_RSS = 400;
const MOST_GROWTH = 1.1;
/** Memory at which the attack is stopped, since other programs share the machine. */
const RSS_CEILING = 1_000;
const POLL_MS = 50;
const SETTLE_POLL_MS = 2_000;
/** The gateway frees memory after 5 s without much activity. */
const CALM_MS = 8_000;
/** Time until the heaps of V8 and malloc have reached their lasting size. */
const WARM_UP_MS = 40_000;
const WARM_UP_RATE = 100;
/** Logins a second during an attack. */
export const RATE = 20;
/** How long devices log in during a short attack. */
const SHORTEST_MS = 2_000;
const LONGEST_MS = 900_000;
const SKIRMISH_RATE = 10;

/** Runs one attack on a new gateway. `scale`: factor of its count; `settleSeconds`: time in which memory has to return to its former size. */
export async function besiege(site: Site, name: string, scale: number, settleSeconds: number): Promise<SiegeRow> {
  const plan = planOf(name);
  const count = Math.max(plan.processes ?? 1, Math.round(plan.count * scale));
  const gateway = await site.start(plan.descriptors);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => gateway.end());

  // V8 and malloc grow permanently under their first loads. A leak shows as growth under a later one.
  const fresh = gateway.rss();
  const warm = await startLogins(site, gateway, { ...plan, rate: WARM_UP_RATE });
  cleanup.defer(() => warm.stop());
  let peak = fresh;
  const onRss = (rss: number): void => {
    if (rss > peak) peak = rss;
  };
  const warmUntil = performance.now() + WARM_UP_MS;
  let tookMs = 0;
  do {
    const began = performance.now();
    await attack(gateway, name, plan, count, WARM_UP_MS, onRss);
    tookMs = performance.now() - began;
  } while (performance.now() + tookMs < warmUntil && gateway.ended() === undefined);
  warm.stop();
  const logins = await startLogins(site, gateway, { ...plan, rate: RATE });
  cleanup.defer(() => logins.stop());
  await pause(CALM_MS);
  await logins.take();

  const before = gateway.rss();
  const begun = performance.now();
  const broken = await attack(gateway, name, plan, count, LONGEST_MS, onRss);
  const took = performance.now() - begun;
  await pause(Math.max(0, SHORTEST_MS - took));
  const figures = await logins.take();
  const after = await settle(gateway, before, settleSeconds);
  const rss = { fresh, before, peak, after };
  broken.push(...judge(gateway, { ...plan, count }, figures, rss));
  return { name, count, seconds: took / 1_000, logins: figures, rss, broken };
}

/** Runs attacks on one gateway in turn, in this process. @returns broken conditions, without those of memory and speed */
export async function skirmish(site: Site, names: readonly string[], scale: number): Promise<readonly string[]> {
  const gateway = await site.start();
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => gateway.end());
  const logins = await startLogins(site, gateway, { rate: SKIRMISH_RATE });
  cleanup.defer(() => logins.stop());
  const findings = new Findings();
  // One after the other, since an attack counts the connections of all attackers.
  for (const name of names) {
    const { count, run } = planOf(name);
    await run(gateway.target, Math.ceil(count * scale), findings);
  }
  const { sent, failed } = await logins.take();
  const broken = [...findings.list(), ...faultsOf(gateway)];
  if (sent === 0 || failed.length > 0) broken.push(`${failed.length} of ${sent} logins failed: ${summary(failed)}`);
  return broken;
}

/** Waits until memory has returned to its former size, at most for `seconds`. @returns the memory, in MB */
async function settle(gateway: SiegedGateway, before: number, seconds: number): Promise<number> {
  const deadline = performance.now() + seconds * 1_000;
  for (;;) {
    const after = gateway.rss();
    if (!(after > before * MOST_GROWTH) || performance.now() > deadline) return after;
    await pause(SETTLE_POLL_MS);
  }
}

function judge(gateway: SiegedGateway, plan: AttackPlan, logins: LoginFigures, rss: SiegeRow["rss"]): string[] {
  const broken = faultsOf(gateway);
  const { shortages } = gateway.readLog();
  if (plan.count > (plan.descriptors ?? Number.POSITIVE_INFINITY) && ![1, 2].includes(shortages.length)) {
    broken.push(`the log names the shortage of descriptors ${shortages.length} times, not once a shortage`);
  }
  const { sent, failed, late, unhealthy } = logins;
  const most = sent * MOST_FAILED;
  if (failed.length > most) broken.push(`${failed.length} of ${sent} logins failed: ${summary(failed)}`);
  else if (failed.length + late > most) broken.push(`slow: ${late} of ${sent} logins took over a second`);
  if (unhealthy.length > 0) broken.push(`the internal listener failed: ${summary(unhealthy)}`);
  if (gateway.ended() !== undefined) return broken;
  if (rss.peak > MOST_RSS) broken.push(`memory reached ${rss.peak.toFixed(0)} MB, at most ${MOST_RSS}`);
  if (rss.after > rss.before * MOST_GROWTH) {
    broken.push(`memory went from ${rss.before.toFixed(0)} to ${rss.after.toFixed(0)} MB and did not come back`);
  }
  return broken;
}

function faultsOf(gateway: SiegedGateway): string[] {
  const broken: string[] = [];
  const end = gateway.ended();
  if (end !== undefined) broken.push(`the gateway ended: ${end}`);
  const { faults } = gateway.readLog();
  if (faults.length > 0) broken.push(`${faults.length} faults in the log, such as ${faults[0]?.slice(0, 400)}`);
  return broken;
}

function summary(outcomes: readonly string[]): string {
  const findings = new Findings();
  for (const outcome of outcomes) findings.add(outcome);
  return findings.list().join(", ");
}

/** Runs an attack in its own processes until it ends or has to be stopped. @returns their findings */
async function attack(
  gateway: SiegedGateway,
  name: string,
  { processes = 1 }: AttackPlan,
  count: number,
  longestMs: number,
  onRss: (rss: number) => void,
): Promise<string[]> {
  const found: string[] = [];
  const children = Array.from({ length: processes }, () => fork(new URL("attacker.ts", import.meta.url)));
  const begun = performance.now();
  const watch = setInterval(() => {
    const rss = gateway.rss();
    onRss(rss);
    const reasons = [
      rss > RSS_CEILING && `stopped at ${rss.toFixed(0)} MB`,
      performance.now() - begun > longestMs && `stopped after ${longestMs / 1_000} s`,
      gateway.ended() !== undefined && "stopped: the gateway has ended",
    ];
    const reason = reasons.find((one) => one !== false);
    if (reason === undefined || children.every(({ killed }) => killed)) return;
    found.push(reason);
    for (const child of children) child.kill("SIGKILL");
  }, POLL_MS);
  try {
    const share = Math.ceil(count / processes);
    await Promise.all(
      children.map(async (child) => {
        const order: AttackOrder = { name, target: gateway.target, count: share };
        found.push(...(await answerOf<readonly string[]>(child, order, [])));
      }),
    );
  } finally {
    clearInterval(watch);
  }
  return found;
}

/** Sends an order to a process and waits for its answer. @throws Error when it fails by itself */
async function answerOf<Answer>(child: ChildProcess, order: Serializable, ifKilled: Answer): Promise<Answer> {
  const answer = new Promise<Answer>((resolve) => child.once("message", (message: Answer) => resolve(message)));
  const exited = once(child, "exit");
  child.send(order);
  const first = await Promise.race([answer.then((value) => ({ value })), exited.then(() => undefined)]);
  if (first !== undefined) return first.value;
  if (!child.killed) throw new Error("a process of the siege failed");
  return ifKilled;
}

interface Logins {
  /** The outcomes of the logins since the last call. */
  take(): Promise<LoginFigures>;
  stop(): void;
}

async function startLogins(
  { deviceKeys }: Site,
  { target }: SiegedGateway,
  { rate, full = [] }: { readonly rate: number; readonly full?: LoginOrder["full"] },
): Promise<Logins> {
  const child = fork(new URL("logins.ts", import.meta.url));
  const order: LoginOrder = { target, deviceKeys, rate, full };
  await answerOf(child, { ...order }, "");
  return {
    take: async () => {
      const answer = once(child, "message");
      child.send("take");
      const [figures] = await answer;
      return figures;
    },
    stop: () => void (child.connected && child.disconnect()),
  };
}
