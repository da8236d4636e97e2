// Runs chaos, rolling restarts and a soak on a site under load.

import { setTimeout as pause } from "node:timers/promises";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { ask } from "../ask.ts";
import type { Result } from "../long-run.ts";
import type { Balancer } from "../proxies/proxy.ts";
import { type LoadOptions, startLoad } from "./load.ts";
import { type Site, type SiteOptions, startSite } from "./site.ts";

/** Runs `act` on a site under load; `sent` counts the logins so far. @returns its outcome, with the logins and their mistakes */
async function underLoad(
  siteOptions: Omit<SiteOptions, "devices">,
  loadOptions: LoadOptions & { readonly rate: number },
  act: (site: Site & { balancer: Balancer; sent: () => number }) => Promise<Result>,
) {
  await using cleanup = new AsyncDisposableStack();
  // A device logs in every ten seconds, within its limit of ten a minute.
  const site = await startSite({ ...siteOptions, devices: 10 * loadOptions.rate }, cleanup);
  // Each answer names the gateway that gave it.
  const balancer = await site.openBalancer((text) =>
    text.replace("default_backend", "http-after-response set-header X-Gateway %[srv_name]\n    default_backend"),
  );
  const load = startLoad(balancer, site.deviceKeys, loadOptions);
  cleanup.defer(async () => void (await load.stop()));
  const { line, mistakes } = await act({ ...site, balancer, sent: load.sent });
  const { logins, counts, ...rest } = await load.stop();
  return { logins, line: `${line}; ${logins} logins: ${counts}`, mistakes: [...mistakes, ...rest.mistakes] };
}

/** How long a server stays away or stopped, in milliseconds. */
const AWAY_MS = 2_000;

async function freeze({ pause: stop, resume }: { pause(): void; resume(): void }): Promise<void> {
  stop();
  await pause(AWAY_MS);
  resume();
}

const FAULTS: Readonly<Record<string, (site: Site) => Promise<void>>> = {
  async "redis killed"({ redis }) {
    await redis.kill();
    await pause(AWAY_MS);
    await redis.restart();
  },
  "redis frozen": ({ redis }) => freeze(redis),
  async "redis slow"({ redis }) {
    // Each SLEEP blocks Redis.
    for (let time = 0; time < 10; time++) await redis.call("DEBUG", "SLEEP", 0.1).catch(() => {});
  },
  "postgres restarted": ({ postgres }) => postgres.restart(),
  "postgres frozen": ({ postgres }) => freeze(postgres),
  async "keys rotated"({ operator }) {
    await operator.signingKeys.rotate(true, GATEWAY);
  },
  async "a gateway killed"({ gateways: [gateway] }) {
    await gateway.stop("SIGKILL");
    await gateway.start();
  },
};

/**
 * Runs the faults in turn, one every so many seconds, until each has run and there were enough logins. A killed gateway's connections get
 * no answer. `rate`: logins a second at most.
 */
export const runChaos = (logins: number, everySeconds: number, rate: number) =>
  underLoad(
    { settings: { TOKEN_ALG: "ES256" } },
    { rate, connections: 32, wrongEvery: 10, tolerated: [429, 503, 0] },
    async (site) => {
      let faults = 0;
      const rows = Object.values(FAULTS);
      for (; faults < rows.length || site.sent() < logins; faults++) {
        const next = pause(everySeconds * 1_000);
        await rows[faults % rows.length]?.(site);
        await next;
      }
      const crashes = site.gateways.reduce((sum, gateway) => sum + gateway.crashes(), 0);
      const line = `${faults} faults of ${rows.length} kinds, ${crashes} crashes`;
      return { line, mistakes: crashes > 0 ? ["a gateway crashed"] : [] };
    },
  );

/** Restarts the gateways in turn until there were enough restarts and logins. `rate`: logins a second at most. */
export const runRolling = (restarts: number, logins: number, rate: number) =>
  underLoad({ settings: { DRAIN_DELAY: "5s" } }, { rate, connections: 16 }, async ({ balancer, gateways, sent }) => {
    const mistakes: string[] = [];
    let restarted = 0;
    for (; restarted < restarts || sent() < logins; restarted++) {
      const index = restarted % 2 === 0 ? 0 : 1;
      const status = await gateways[index].stop("SIGTERM");
      if (status !== 0) mistakes.push(`a gateway ended with ${status}`);
      await gateways[index].start();
      await isUsed(balancer, `gateway-${index + 1}`);
    }
    return { line: `${restarted} rolling restarts behind HAProxy, HTTP/1.1 and HTTP/2`, mistakes };
  });

/** Resolves once HAProxy sends requests to a gateway again, so that the next restart leaves one in use. */
async function isUsed({ url, ca }: Balancer, server: string): Promise<void> {
  const answeredBy = async () => (await ask(new URL("/readyz", url), { ca })).headers["x-gateway"]?.[0];
  while ((await answeredBy().catch(() => undefined)) !== server) await pause(50);
}

/** Measures one gateway's memory at intervals, and the slope of the second half. */
export const runSoak = (seconds: number, everySeconds: number) =>
  underLoad(
    { inspect: true },
    { rate: 300, connections: 16, wrongEvery: 10, tolerated: [429, 503] },
    async ({ gateways }) => {
      const samples: number[] = [];
      const started = performance.now();
      while (performance.now() - started < seconds * 1_000 || samples.length < 4) {
        await pause(everySeconds * 1_000);
        samples.push(await gateways[0].measureMemory());
      }
      const slope = slopeOf(samples.slice(samples.length >> 1)) * (3_600 / everySeconds);
      const [first, last] = [samples[0]?.toFixed(1), samples.at(-1)?.toFixed(1)];
      const line = `${first} to ${last} MiB after collections, ${slope.toFixed(2)} MiB an hour in the second half`;
      return { line, mistakes: slope < 2 ? [] : ["the memory grows"] };
    },
  );

/** The slope of a line through samples, by least squares. */
function slopeOf(samples: readonly number[]): number {
  const middle = (samples.length - 1) / 2;
  let [rise, run] = [0, 0];
  for (const [at, sample] of samples.entries()) {
    rise += (at - middle) * sample;
    run += (at - middle) ** 2;
  }
  return rise / run;
}
