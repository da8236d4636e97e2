// Chaos: a site under load meets one fault after another, and never gives a wrong answer. A device logs in every ten seconds.

import { setTimeout as pause } from "node:timers/promises";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { startLoad, type Tally } from "./load.ts";
import { type Site, startSite } from "./site.ts";

export interface ChaosOptions {
  readonly logins: number;
  /** Seconds between the beginnings of faults. */
  readonly everySeconds: number;
  /** Least number of faults. */
  readonly faults: number;
  /** Logins a second at most. */
  readonly rate: number;
}

/** An unanswered login counts with status 0. */
export interface ChaosReport extends Tally {
  readonly faults: readonly string[];
  readonly crashes: number;
}

type Fault = (site: Site) => Promise<void>;

/** How long a server stays away or stopped, in milliseconds. */
const AWAY_MS = 2_000;

const FAULTS: Readonly<Record<string, Fault>> = {
  async "redis killed"({ redis }) {
    await redis.kill();
    await pause(AWAY_MS);
    await redis.restart();
  },
  async "redis frozen"({ redis }) {
    redis.pause();
    await pause(AWAY_MS);
    redis.resume();
  },
  async "redis slow"({ redis }) {
    // Each SLEEP blocks Redis.
    for (let time = 0; time < 10; time++) await redis.call("DEBUG", "SLEEP", 0.1).catch(() => {});
  },
  "postgres restarted": ({ postgres }) => postgres.restart(),
  async "postgres frozen"({ postgres }) {
    postgres.pause();
    await pause(AWAY_MS);
    postgres.resume();
  },
  async "keys rotated"({ operator }) {
    await operator.signingKeys.rotate(true, GATEWAY);
  },
  async "a gateway killed"({ gateways: [gateway] }) {
    await gateway.stop("SIGKILL");
    await gateway.start();
  },
};

/** Runs the faults in turn until there were enough faults and logins. */
export async function runChaos({ logins, everySeconds, faults, rate }: ChaosOptions): Promise<ChaosReport> {
  await using cleanup = new AsyncDisposableStack();
  const site = await startSite({ devices: 10 * rate, settings: { TOKEN_ALG: "ES256" } }, cleanup);
  const { balancer, gateways, deviceKeys } = site;
  const load = startLoad({ ...balancer, deviceKeys, connections: 32, wrongShare: 0.1, rate, mayDrop: true });
  const names: string[] = [];
  const rows = Object.entries(FAULTS);
  while (names.length < faults || load.sent() < logins) {
    const began = performance.now();
    const [name = "", run] = rows[names.length % rows.length] ?? [];
    await run?.(site);
    names.push(name);
    await pause(Math.max(0, everySeconds * 1_000 - (performance.now() - began)));
  }
  const crashes = gateways.reduce((sum, gateway) => sum + gateway.crashes(), 0);
  return { faults: names, crashes, ...(await load.stop()) };
}
