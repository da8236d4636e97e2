// Rolling restarts: gateways behind HAProxy stop and start again, one after the other, under load.

import { ask } from "../ask.ts";
import type { Balancer } from "../proxies/proxy.ts";
import { startLoad, type Tally } from "./load.ts";
import { startSite } from "./site.ts";

/** Every answer other than 200 is a mistake. */
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
    const index = restarted % 2 === 0 ? 0 : 1;
    if ((await gateways[index].stop("SIGTERM")) !== 0) badExits++;
    await gateways[index].start();
    await isUsed(balancer, `gateway-${index + 1}`);
    restarted++;
  }
  const tally = await load.stop();
  const refused = [...tally.counts].filter(([kind]) => kind !== "right 200").map(([kind, count]) => `${count} ${kind}`);
  const mistakes = [...tally.mistakes, ...refused];
  return { ...tally, restarts: restarted, mistakes, badExits };
}

/** Resolves once HAProxy sends requests to a gateway again, so that the next restart leaves one in use. */
async function isUsed({ url, ca }: Balancer, server: string): Promise<void> {
  const answeredBy = async (): Promise<string | undefined> =>
    (await ask(new URL("/readyz", url), { ca })).headers["x-gateway"]?.[0];
  while ((await answeredBy().catch(() => undefined)) !== server);
}
