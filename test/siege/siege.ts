// Runs attacks while devices log in, and judges their effect.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { adopt } from "../program.ts";
import { Findings, heldConnections, leftAfter } from "./attack.ts";
import { planOf } from "./attacks.ts";
import type { SiegedGateway, Site } from "./gateway.ts";
import { connectDevices } from "./logins.ts";

const MOST_FAILED = 0.001;
const MOST_RSS = 400;
const MOST_GROWTH = 1.1;
/** Memory at which the attack is stopped, since other programs share the machine. */
const RSS_CEILING = 1_000;
const POLL_MS = 50;
/** Time in which the gateway has to close a connection that its peer has closed: a second, and slack for a busy machine. */
const GONE_S = 5;
/** Time in which memory has to return to its former size. */
const SETTLE_S = 60;
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

/** Runs one attack on a new gateway. `scale`: factor of its count. */
export async function besiege(site: Site, name: string, scale: number) {
  const { processes = 1, descriptors = Number.POSITIVE_INFINITY, full, ...plan } = planOf(name);
  const count = Math.max(processes, Math.round(plan.count * scale));
  await using gateway = await site.start(descriptors);
  const startLogins = await connectDevices(site, gateway, full);
  const words = [name, String(Math.ceil(count / processes)), JSON.stringify(gateway.target)];
  let peak = 0;
  const attack = async (longestMs: number, findings: Findings): Promise<number> => {
    const begun = performance.now();
    peak = Math.max(peak, await runAttackers(gateway, { words, processes, longestMs }, findings));
    return performance.now() - begun;
  };

  // V8 and malloc grow permanently under their first loads. A leak shows as growth under a later one.
  {
    using _warmUp = startLogins(WARM_UP_RATE);
    const warmUntil = performance.now() + WARM_UP_MS;
    let tookMs = 0;
    do tookMs = await attack(WARM_UP_MS, new Findings());
    while (performance.now() + tookMs < warmUntil && gateway.ended() === undefined);
  }
  // The same load before and after the attack, so that memory compares.
  {
    using _calm = startLogins(RATE);
    await pause(CALM_MS);
  }

  const findings = new Findings();
  const before = gateway.rss();
  using devices = startLogins(RATE);
  const tookMs = await attack(LONGEST_MS, findings);
  await judgeLeft(gateway, findings);
  await pause(Math.max(0, SHORTEST_MS - tookMs));
  const logins = await devices.stop();
  using _later = startLogins(RATE);
  await leftAfter(SETTLE_S, () => (gateway.rss() > before * MOST_GROWTH ? 1 : 0));
  const rss = { before, peak, after: gateway.rss() };

  const { shortages } = judgeLog(gateway, findings);
  if (count > descriptors && ![1, 2].includes(shortages.length)) {
    findings.add(`the log names the shortage of descriptors ${shortages.length} times, not once a shortage`);
  }
  const { sent, failed, late, unhealthy } = logins;
  const most = sent * MOST_FAILED;
  if (failed.length > most) findings.add(`${failed.length} of ${sent} logins failed: ${summary(failed)}`);
  else if (failed.length + late > most) findings.add(`${late} of ${sent} logins took over a second`);
  if (unhealthy.length > 0) findings.add(`the internal listener failed: ${summary(unhealthy)}`);
  if (peak > MOST_RSS) findings.add(`memory reached ${peak.toFixed(0)} MB, at most ${MOST_RSS}`);
  if (rss.after > before * MOST_GROWTH) findings.add("memory did not come back");
  return { count, seconds: tookMs / 1_000, logins, rss, broken: findings.list() };
}

/** Runs attacks on one gateway in turn, in this process. `counts`: by attack. @returns broken conditions, without those of memory and speed */
export async function skirmish(site: Site, counts: Readonly<Record<string, number>>): Promise<readonly string[]> {
  await using gateway = await site.start();
  const startLogins = await connectDevices(site, gateway);
  using devices = startLogins(SKIRMISH_RATE);
  const findings = new Findings();
  // One after the other, since an attack counts the connections of all attackers.
  for (const [name, count] of Object.entries(counts)) {
    await planOf(name).run(gateway.target, count, findings);
    await judgeLeft(gateway, findings);
  }
  const { sent, failed } = await devices.stop();
  if (sent === 0 || failed.length > 0) findings.add(`${failed.length} of ${sent} logins failed: ${summary(failed)}`);
  judgeLog(gateway, findings);
  return findings.list();
}

/** Adds connections that the gateway holds although the attack has closed all. */
async function judgeLeft({ target }: SiegedGateway, findings: Findings): Promise<void> {
  const left = await leftAfter(GONE_S, () => heldConnections(target));
  if (left > 0) findings.add(`${left} connections were open ${GONE_S} s after their peers had closed`);
}

/** Adds an end of the gateway, and faults in its log. */
function judgeLog(gateway: SiegedGateway, findings: Findings) {
  const end = gateway.ended();
  if (end !== undefined) findings.add(`the gateway ended: ${end}`);
  const log = gateway.readLog();
  if (log.faults.length > 0) findings.add(`${log.faults.length} faults in the log, such as ${log.faults[0]}`);
  return log;
}

function summary(outcomes: readonly string[]): string {
  const findings = new Findings();
  for (const outcome of outcomes) findings.add(outcome);
  return findings.list().join(", ");
}

interface Order {
  readonly words: readonly string[];
  readonly processes: number;
  readonly longestMs: number;
}

/** Runs an attack in processes of its own until it ends or has to be stopped. @returns the gateway's highest memory, in MB */
async function runAttackers(
  gateway: SiegedGateway,
  { words, processes, longestMs }: Order,
  findings: Findings,
): Promise<number> {
  const children = Array.from({ length: processes }, () => adopt(fork(new URL("attacker.ts", import.meta.url), words)));
  const deadline = performance.now() + longestMs;
  let peak = 0;
  const watch = setInterval(() => {
    const rss = gateway.rss();
    if (rss > peak) peak = rss;
    const isOver = rss > RSS_CEILING || performance.now() > deadline || gateway.ended() !== undefined;
    if (!isOver || children.every(({ killed }) => killed)) return;
    findings.add(`stopped at ${rss.toFixed(0)} MB, after ${longestMs / 1_000} s at most`);
    for (const child of children) child.kill("SIGKILL");
  }, POLL_MS);
  const answers = children.map(async (child) => {
    const [found] = await Promise.race([once(child, "message"), once(child, "exit")]);
    if (Array.isArray(found)) for (const sentence of found) findings.add(sentence);
    else if (!child.killed) throw new Error("a process of the siege failed");
  });
  await Promise.all(answers).finally(() => clearInterval(watch));
  return peak;
}
