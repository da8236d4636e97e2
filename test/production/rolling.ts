// Rolling restarts: gateways behind HAProxy stop and start again, one after the other, under load.

import { setTimeout as pause } from "node:timers/promises";
import { startLoad, type Tally } from "./load.ts";
import { startSite } from "./site.ts";

/** Every answer but 200 is a mistake. */
export interface RollingReport extends Tally {
  readonly restarts: number;
  /** Exit statuses other than 0. */
  readonly badExits: number;
}

/** Restarts gateways in turn until there were enough restarts and logins. `rate`: logins a second at most. */
export async function runRolling(restarts: number, logins: number, rate: number): Promise<RollingReport> {
  await using cleanup = new AsyncDisposableStack();
  const site = await startSite({ devices: 10 * rate, settings: { DRAIN_DELAY: "3s" } }, cleanup);
  const { balancer, gateways, deviceKeys } = site;
  const load = startLoad({ ...balancer, deviceKeys, connections: 16, rate });
  let badExits = 0;
  let restarted = 0;
  while (restarted < restarts || load.sent() < logins) {
    const gateway = gateways[restarted % 2] ?? gateways[0];
    if ((await gateway.stop("SIGTERM")) !== 0) badExits++;
    await gateway.start();
    await isUp(gateway.url);
    restarted++;
  }
  const tally = await load.stop();
  const refused = [...tally.counts].filter(([kind]) => kind !== "right 200").map(([kind, count]) => `${count} ${kind}`);
  const mistakes = [...tally.mistakes, ...refused, ...tally.unavailable];
  return { ...tally, restarts: restarted, mistakes, badExits };
}

/** Waits for two health checks of HAProxy, so that the gateway is in use again before the next restart. */
async function isUp(url: string): Promise<void> {
  const isReady = (): Promise<boolean> => fetch(new URL("/readyz", url)).then(({ ok }) => ok);
  while (!(await isReady().catch(() => false)));
  await pause(2_000);
}
