// How often a real gateway asks Redis: for logins, and for a flood on a spent limit, by Redis's own count.

import { Redis } from "ioredis";
import { CUSTOMER_KEY, openGateway, postLogin } from "../test/gateway.ts";
import type { Section, SectionTarget } from "./figures.ts";
import { signLogin } from "./fleet.ts";
import { runLanes } from "./limiter-load.ts";

const LOGINS = 2_000;
const LIMIT = 10;
const FLOOD_SECONDS = 4;
/** One that slots are freed in while the flood lasts, and one that outlasts it. */
const FLOOD_WINDOWS_MS = [1_000, 60_000];

interface Counts {
  readonly admitted: number;
  readonly denied: number;
  /** Admissions that left their window while it went on. */
  readonly freed: number;
  readonly calls: number;
}

export async function measureTrips(url: string): Promise<Section> {
  const logins = await countLogins(url);
  const floods: Flood[] = [];
  for (const windowMs of FLOOD_WINDOWS_MS) {
    for (const inFlight of [1, 16]) floods.push(await countFlood(url, windowMs, inFlight));
  }
  const targets: SectionTarget[] = [
    { text: `${logins.calls} script calls for ${logins.admitted} logins`, met: logins.calls === logins.admitted },
    ...floods.map(({ label, calls, admitted, freed }) => ({
      text: `${label}: ${calls} script calls, at most ${admitted} admissions + ${freed} freed slots`,
      met: calls <= admitted + freed,
    })),
  ];
  const row = (label: string, { admitted, denied, freed, calls }: Counts): string[] => [
    label,
    ...[admitted, denied, freed, calls].map(String),
  ];
  return {
    title: "Script calls by INFO commandstats, of a gateway by REST",
    rows: [
      ["", "admitted", "denied", "freed slots", "script calls"],
      row(`${LOGINS} logins, 16 in flight`, logins),
      ...floods.map((flood) => row(flood.label, flood)),
    ],
    targets,
  };
}

interface Flood extends Counts {
  readonly label: string;
}

async function countLogins(redisUrl: string): Promise<Counts> {
  await using cleanup = new AsyncDisposableStack();
  const gateway = await openGateway({ REDIS_URL: redisUrl, ADDRESS_LIMIT: "100000000/60s" });
  cleanup.defer(() => gateway.close());
  const deviceKeys: string[] = [];
  for (let device = 0; device < LOGINS / LIMIT + 1; device++) deviceKeys.push(await gateway.enrol());
  const statuses: number[] = [];
  // The first login tells Redis the script.
  await logIn(gateway.publicUrl, deviceKeys.pop() ?? "");
  let turn = 0;
  const calls = await countCalls(redisUrl, () =>
    runLanes(LOGINS, 16, async () => {
      statuses.push(await logIn(gateway.publicUrl, deviceKeys[turn++ % deviceKeys.length] ?? ""));
    }),
  );
  const admitted = statuses.filter((status) => status === 200).length;
  return { admitted, denied: statuses.length - admitted, freed: 0, calls };
}

async function countFlood(redisUrl: string, windowMs: number, inFlight: number): Promise<Flood> {
  await using cleanup = new AsyncDisposableStack();
  const gateway = await openGateway({
    REDIS_URL: redisUrl,
    ADDRESS_LIMIT: "100000000/60s",
    LOGIN_LIMIT: `${LIMIT}/${windowMs}ms`,
  });
  cleanup.defer(() => gateway.close());
  await logIn(gateway.publicUrl, await gateway.enrol());
  const deviceKey = await gateway.enrol();
  const admittedAt: number[] = [];
  let denied = 0;
  const end = performance.now() + FLOOD_SECONDS * 1000;
  const calls = await countCalls(redisUrl, () =>
    runLanes(inFlight, inFlight, async () => {
      while (performance.now() < end) {
        const status = await logIn(gateway.publicUrl, deviceKey);
        if (status === 200) admittedAt.push(performance.now());
        else if (status === 429) denied++;
        else throw new Error(`void: a login got ${status}`);
      }
    }),
  );
  const freed = admittedAt.filter((at) => at < end - windowMs).length;
  const label = `flood on ${LIMIT}/${windowMs / 1000}s for ${FLOOD_SECONDS} s, ${inFlight} in flight`;
  return { label, admitted: admittedAt.length, denied, freed, calls };
}

async function logIn(url: string, deviceKey: string): Promise<number> {
  const response = await postLogin(url, signLogin(CUSTOMER_KEY, deviceKey, Math.floor(Date.now() / 1000)));
  await response.arrayBuffer();
  return response.status;
}

/** Calls of scripts meanwhile. */
async function countCalls(url: string, act: () => Promise<void>): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const observer = new Redis(url);
  cleanup.defer(() => observer.disconnect());
  const count = async (): Promise<number> => {
    const stats = await observer.info("commandstats");
    const calls = [...stats.matchAll(/^cmdstat_(?:eval|evalsha|fcall)\S*:calls=(\d+)/gm)];
    return calls.reduce((sum, [, one]) => sum + Number(one), 0);
  };
  const before = await count();
  await act();
  return (await count()) - before;
}
