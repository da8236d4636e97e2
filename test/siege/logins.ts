// A process of devices that log in, and of an operator who asks for health, while an attack goes on.

import { Agent, type IncomingMessage, type RequestOptions, request } from "node:http";
import { quantile } from "../../bench/figures.ts";
import { signLogin } from "../../src/cli/sign.ts";
import type { Fleet } from "./gateway.ts";
import type { Target } from "./target.ts";

export interface LoginOrder {
  readonly target: Target;
  readonly fleet: Fleet;
  /** Logins a second. */
  readonly rate: number;
  /** The listeners that refuse new connections: kept ones are used. */
  readonly full: readonly ("public" | "internal")[];
}

export interface LoginFigures {
  readonly sent: number;
  /** Answers other than 200, by what they were. */
  readonly failed: readonly string[];
  /** Answered 200, after more than a second. */
  readonly late: number;
  readonly p999Ms: number;
  readonly worstMs: number;
  /** Failed requests for /livez, /readyz and /metrics of the internal listener, by what they were. */
  readonly unhealthy: readonly string[];
}

const LATE_MS = 1_000;
const TIMEOUT_MS = 30_000;
const TICK_MS = 10;
const HEALTH_MS = 1_000;
/** Connections to each listener that are kept. */
const KEPT = 8;
const HEALTH_PATHS = ["/livez", "/readyz", "/metrics"];

interface Attempt {
  readonly outcome: string;
  readonly ms: number;
}

function send(url: URL, options: RequestOptions, body?: string): Promise<Attempt> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const finish = (outcome: string): void => resolve({ outcome, ms: performance.now() - begun });
    const read = (response: IncomingMessage): void => {
      response.resume();
      response.once("error", () => finish("an answer cut off"));
      response.once("end", () => finish(String(response.statusCode)));
    };
    const sent = request(url, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) }, read);
    sent.once("error", ({ name, message }) => finish(name === "AbortError" ? "no answer in 30 s" : message));
    sent.end(body);
  });
}

async function start({
  target,
  fleet,
  rate,
  full,
}: LoginOrder): Promise<{ readonly take: () => Promise<LoginFigures> }> {
  // In turn, so that none is idle for long.
  const kept = new Agent({ keepAlive: true, maxSockets: KEPT, scheduling: "fifo" });
  const probeAgent = full.includes("internal") ? kept : false;
  const login = new URL("/auth/login", target.publicUrl);
  let attempts: Promise<Attempt>[] = [];
  let probes: Promise<Attempt>[] = [];
  let next = 0;

  const sendLogin = (): Promise<Attempt> => {
    const deviceKey = fleet.deviceKeys[next % fleet.deviceKeys.length] ?? "";
    const isKept = full.includes("public") || next % 2 === 0;
    next++;
    const body = JSON.stringify(
      signLogin({ deviceKey, customerKey: fleet.customerKey }, Math.floor(Date.now() / 1000)),
    );
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    return send(login, { method: "POST", agent: isKept ? kept : false, headers }, body);
  };
  const openAll = (url: string): Promise<Attempt>[] =>
    Array.from({ length: KEPT }, () => send(new URL("/livez", url), { agent: kept }));
  await Promise.all([target.publicUrl, target.internalUrl].flatMap(openAll));
  const begun = performance.now();
  setInterval(() => {
    const due = ((performance.now() - begun) / 1000) * rate;
    while (next < due) attempts.push(sendLogin());
  }, TICK_MS);
  setInterval(() => {
    for (const path of HEALTH_PATHS) {
      const probe = send(new URL(path, target.internalUrl), { agent: probeAgent });
      probes.push(probe.then(({ outcome, ms }) => ({ outcome: `${path}: ${outcome}`, ms })));
    }
  }, HEALTH_MS);

  return {
    async take() {
      const [logins, asked] = [attempts, probes];
      attempts = [];
      probes = [];
      return figuresOf(await Promise.all(logins), await Promise.all(asked));
    },
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
  const logins = await start(order);
  process.on("message", async () => void process.send?.(await logins.take()));
  process.once("disconnect", () => process.exit(0));
  process.send?.("started");
});
