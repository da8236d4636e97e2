// Devices log in and an operator polls health during an attack.

import { Agent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import { ask, type HttpAnswer, postJson } from "../ask.ts";
import { signNow } from "../gateway.ts";
import { sendAtRate } from "../pace.ts";
import type { AttackPlan } from "./attack.ts";
import type { SiegedGateway, Site } from "./gateway.ts";

const LATE_MS = 1_000;
const TIMEOUT_MS = 30_000;
/** Connections to each listener that stay open. */
const KEPT = 8;
/** Paths that are requested once a second. */
const HEALTH_PATHS = ["/livez", "/readyz", "/metrics"];

async function timed(sent: Promise<HttpAnswer>) {
  const begun = performance.now();
  const outcome = await sent.then(
    ({ status }) => String(status),
    ({ name, message }: Error) => (name === "AbortError" ? "no answer in 30 s" : message),
  );
  return { outcome, ms: performance.now() - begun };
}

/** Opens the connections that stay open. At the listeners in `full`, logins and probes use only these. */
export async function connectDevices({ deviceKeys }: Site, { target }: SiegedGateway, full: AttackPlan["full"] = []) {
  const { publicUrl, internalUrl } = target;
  // The agent uses its connections in turn, so that none is idle for long.
  const settings = { keepAlive: true, maxSockets: KEPT, scheduling: "fifo" } as const;
  const kept = publicUrl.startsWith("https:") ? new SecureAgent(settings) : new Agent(settings);
  const optionsOf = (isKept: boolean) => ({
    agent: isKept && kept,
    rejectUnauthorized: false,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const urls = [publicUrl, internalUrl].flatMap((listener) => Array(KEPT).fill(new URL("/livez", listener)));
  await Promise.all(urls.map((url) => timed(ask(url, optionsOf(true)))));
  /** Lets devices log in at a rate until `stop`, half of them by new connections. */
  return (rate: number) => {
    const logins = sendAtRate(rate, (index) => {
      const login = signNow(deviceKeys[index % deviceKeys.length] ?? "");
      return timed(
        postJson(new URL("/auth/login", publicUrl), login, optionsOf(full.includes("public") || index % 2 === 0)),
      );
    });
    const probes = sendAtRate(HEALTH_PATHS.length, async (index) => {
      const path = HEALTH_PATHS[index % HEALTH_PATHS.length] ?? "";
      const { outcome } = await timed(ask(new URL(path, internalUrl), optionsOf(full.includes("internal"))));
      return `${path}: ${outcome}`;
    });
    return {
      async stop() {
        const [attempts, health] = await Promise.all([logins.stop(), probes.stop()]);
        return {
          sent: attempts.length,
          failed: attempts.map(({ outcome }) => outcome).filter((outcome) => outcome !== "200"),
          late: attempts.filter(({ outcome, ms }) => outcome === "200" && ms > LATE_MS).length,
          worstMs: Math.max(...attempts.map(({ ms }) => ms)),
          /** Failed requests for documents of the internal listener. */
          unhealthy: health.filter((outcome) => !outcome.endsWith(" 200")),
        };
      },
      [Symbol.dispose]() {
        logins[Symbol.dispose]();
        probes[Symbol.dispose]();
      },
    };
  };
}
