// A process with devices that log in and an operator who polls health during an attack.

import { Agent } from "node:http";
import { quantile } from "../../bench/figures.ts";
import { ask, type HttpAnswer, postJson } from "../ask.ts";
import { signNow } from "../gateway.ts";
import { sendAtRate } from "../pace.ts";
import type { Target } from "./target.ts";

export interface LoginOrder {
  readonly target: Target;
  /** Devices whose key is CUSTOMER_KEY. */
  readonly deviceKeys: readonly string[];
  /** Logins a second. */
  readonly rate: number;
  /** The listeners that refuse new connections: logins use open ones. */
  readonly full: readonly ("public" | "internal")[];
}

export interface LoginFigures {
  readonly sent: number;
  /** Answers other than 200. */
  readonly failed: readonly string[];
  /** Answered 200, after more than a second. */
  readonly late: number;
  readonly p999Ms: number;
  readonly worstMs: number;
  /** Failed requests for /livez, /readyz and /metrics of the internal listener. */
  readonly unhealthy: readonly string[];
}

const LATE_MS = 1_000;
const TIMEOUT_MS = 30_000;
/** Connections to each listener that stay open. */
const KEPT = 8;
/** Paths that are requested once a second. */
const HEALTH_PATHS = ["/livez", "/readyz", "/metrics"];

interface Attempt {
  readonly outcome: string;
  readonly ms: number;
}

const timeout = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(TIMEOUT_MS) });

async function timed(sent: Promise<HttpAnswer>): Promise<Attempt> {
  const begun = performance.now();
  const outcome = await sent.then(
    ({ status }) => String(status),
    ({ name, message }: Error) => (name === "AbortError" ? "no answer in 30 s" : message),
  );
  return { outcome, ms: performance.now() - begun };
}

async function start({ target, deviceKeys, rate, full }: LoginOrder): Promise<() => Promise<LoginFigures>> {
  // The agent uses its connections in turn, so that none is idle for long.
  const kept = new Agent({ keepAlive: true, maxSockets: KEPT, scheduling: "fifo" });
  const probeAgent = full.includes("internal") ? kept : false;
  const login = new URL("/auth/login", target.publicUrl);
  const openAll = (url: string): Promise<Attempt>[] =>
    Array.from({ length: KEPT }, () => timed(ask(new URL("/livez", url), { agent: kept, ...timeout() })));
  await Promise.all([target.publicUrl, target.internalUrl].flatMap(openAll));

  const logins = sendAtRate(rate, (index) => {
    const deviceKey = deviceKeys[index % deviceKeys.length] ?? "";
    const isKept = full.includes("public") || index % 2 === 0;
    return timed(postJson(login, signNow(deviceKey), { agent: isKept ? kept : false, ...timeout() }));
  });
  const probes = sendAtRate(HEALTH_PATHS.length, async (index) => {
    const path = HEALTH_PATHS[index % HEALTH_PATHS.length] ?? "";
    const probe = ask(new URL(path, target.internalUrl), { agent: probeAgent, ...timeout() });
    const { outcome, ms } = await timed(probe);
    return { outcome: `${path}: ${outcome}`, ms };
  });
  let taken = { logins: 0, probes: 0 };
  return async () => {
    const [sent, asked] = [logins.answers.slice(taken.logins), probes.answers.slice(taken.probes)];
    taken = { logins: logins.answers.length, probes: probes.answers.length };
    return figuresOf(await Promise.all(sent), await Promise.all(asked));
  };
}

function figuresOf(logins: readonly Attempt[], probes: readonly Attempt[]): LoginFigures {
  const times = logins.map(({ ms }) => ms).toSorted((one, other) => one - other);
  return {
    sent: logins.length,
    failed: logins.map(({ outcome }) => outcome).filter((outcome) => outcome !== "200"),
    late: logins.filter(({ outcome, ms }) => outcome === "200" && ms > LATE_MS).length,
    p999Ms: quantile(times, 0.999),
    worstMs: times.at(-1) ?? Number.NaN,
    unhealthy: probes.map(({ outcome }) => outcome).filter((outcome) => !outcome.endsWith(" 200")),
  };
}

process.once("message", async (order: LoginOrder) => {
  const take = await start(order);
  process.on("message", async () => void process.send?.(await take()));
  process.once("disconnect", () => process.exit(0));
  process.send?.("started");
});
