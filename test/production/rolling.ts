// Rolling restarts: gateways behind HAProxy stop and start again, one after the other, under load.

import { describeCounts, startLoad } from "./load.ts";
import { startSite } from "./site.ts";

export interface RollingReport {
  readonly restarts: number;
  readonly logins: number;
  readonly counts: string;
  readonly mistakes: readonly string[];
  /** Exit statuses other than 0. */
  readonly badExits: number;
}

/** Restarts gateways in turn, until there were so many restarts and logins. `rate`: logins a second at most. */
export async function runRolling(restarts: number, logins: number, rate: number): Promise<RollingReport> {
  await using cleanup = new AsyncDisposableStack();
  const site = await startSite({ devices: 10 * rate, settings: { DRAIN_DELAY: "3s" } }, cleanup);
  const { balancer, gateways, deviceKeys } = site;
  const load = startLoad({ url: balancer.url, ca: balancer.ca, deviceKeys, connections: 16, rate });
  let badExits = 0;
  let restarted = 0;
  while (restarted < restarts || load.sent() < logins) {
    const gateway = gateways[restarted % 2] ?? gateways[0];
    if ((await gateway.stop("SIGTERM")) !== 0) badExits++;
    await gateway.start();
    await isUp(gateway.url);
    restarted++;
  }
  const { counts, mistakes, unavailable } = await load.stop();
  const sum = [...counts.values()].reduce((total, count) => total + count, 0);
  const refused = [...counts].filter(([kind]) => kind !== "right 200").map(([kind, count]) => `${count} ${kind}`);
  return {
    restarts: restarted,
    logins: sum,
    counts: describeCounts(counts),
    mistakes: [...mistakes, ...refused, ...unavailable],
    badExits,
  };
}

/** Two health checks of HAProxy, so that the next restart finds it in use again. */
async function isUp(url: string): Promise<void> {
  while (
    !(await fetch(new URL("/readyz", url)).then(
      ({ ok }) => ok,
      () => false,
    ))
  );
  await new Promise((resolve) => setTimeout(resolve, 2_000));
}
