// `npm run bench:registry [-- --only sqlite|postgres --devices N]`: compares registries of a million and of a thousand devices.

import { createHash } from "node:crypto";
import { createWriteStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { logInBy } from "../test/gateway.ts";
import { startRedis } from "../test/redis/server.ts";
import { DIALECTS } from "./dialects.ts";
import { divide, quantile, runParts, type Section, say, show, spreadOf } from "./figures.ts";
import { checkAnswer, signLogin } from "./fleet.ts";
import { type LoadRequest, runLoad } from "./load.ts";
import { DATABASES, type DatabaseName } from "./peer.ts";
import { buildPackage, openRegistryGateway, type RegistryGateway } from "./registry-gateway.ts";

const SMALL = 1_000;
const CUSTOMER_KEY = createHash("sha256").update("the customer key of the bench").digest("hex");

const MOST_SECONDS = 60;
const MOST_RATIO = 1.03;
const MOST_BYTES = 200e6;
const MOST_PAGE_MS = 20;

const ROUNDS = 8;
/** A little longer than the longest window of a limit. */
const WINDOW_MS = 62_000;
const SLICE_MS = 2_000;
const IN_FLIGHT = 16;
/** Between two logins during the import. */
const LOGIN_EVERY_MS = 20;
/** Lines that are written at a time. */
const PIECE = 1_000;
const REPEATS = 15;
/** Devices of a page, the largest that a caller can get. */
const PAGE = 1_000;

/** Lists that operators page through, the last of which matches nothing. */
const PAGES = {
  "devices of one customer": ["/v1/devices", 'customer_id = "bench"'],
  "devices, nothing matching": ["/v1/devices", 'status = "disabled"'],
  "devices of one label": ["/v1/devices", 'labels.site = "north"'],
  "devices that never logged in": ["/v1/devices", 'last_key_id = ""'],
  "audit events": ["/v1/audit-events", ""],
  "audit events, nothing matching": ["/v1/audit-events", 'action = "DeleteCustomer"'],
} as const;

/** A random name, made from an index: it lands anywhere in the database's index, the worst case for inserts. */
function keyOf(index: number): string {
  return createHash("sha256").update(`device ${index}`).digest("hex").slice(0, 32);
}

async function measureOn(database: DatabaseName, devices: number): Promise<Section> {
  await using cleanup = new AsyncDisposableStack();
  const redis = await startRedis();
  const redisOld = pause(WINDOW_MS);
  cleanup.defer(redis.stop);
  const launcher = buildPackage(cleanup);
  const small = await openRegistryGateway(database, launcher, redis.url, cleanup);
  const large = await openRegistryGateway(database, launcher, redis.url, cleanup);
  await enrolFleet(small, SMALL);
  say(`${database}: an import of ${devices} devices.`);
  const { seconds, loginMs } = await enrolFleet(large, devices);

  // While Redis is younger than a window, each gateway also counts logins in memory.
  await redisOld;
  const [few, many]: [number[], number[]] = [[], []];
  const fleets = [
    { gateway: small, size: SMALL, cpu: few },
    { gateway: large, size: devices, cpu: many },
  ];
  for (const { gateway, size } of fleets) await logInFor(gateway, size);
  for (let round = 0; round < ROUNDS; round++) {
    // The order alternates.
    for (const { gateway, size, cpu } of round % 2 === 0 ? fleets : fleets.toReversed()) {
      cpu.push(await logInFor(gateway, size));
    }
    say(`Round ${round + 1} of ${ROUNDS}.`);
  }
  const ratio = spreadOf(divide(many, few));
  const pages = await timePages(large);
  const slowest = Math.max(...pages.values());
  const maxRss = large.maxRss();
  const percentile = (share: number): string => quantile(loginMs, share).toFixed(1);
  return {
    title: `${database}: ${devices} devices beside ${SMALL}`,
    rows: [
      ["of", "measured"],
      ["import", `${seconds.toFixed(1)} s, ${(devices / seconds).toFixed(0)} devices a second`],
      ["a login meanwhile", `p50 ${percentile(0.5)}, p99 ${percentile(0.99)}, at most ${percentile(1)} ms`],
      [`CPU of a login among ${SMALL}`, `${show(spreadOf(few), 0)} µs`],
      [`among ${devices}`, `${show(spreadOf(many), 0)} µs`],
      ...[...pages].map(([what, ms]) => [`a page of ${what}`, `${ms.toFixed(1)} ms`]),
    ],
    targets: [
      { text: `import ${seconds.toFixed(1)} s, at most ${MOST_SECONDS}`, met: seconds <= MOST_SECONDS },
      { text: `a login ${show(ratio, 3)} times as dear, at most ${MOST_RATIO}`, met: ratio.median <= MOST_RATIO },
      { text: `${(maxRss / 1e6).toFixed(0)} MB, at most ${MOST_BYTES / 1e6}`, met: maxRss <= MOST_BYTES },
      { text: `pages in ${slowest.toFixed(1)} ms, at most ${MOST_PAGE_MS}`, met: slowest <= MOST_PAGE_MS },
    ],
  };
}

/** Imports a fleet, while one device keeps logging in. */
async function enrolFleet(
  gateway: RegistryGateway,
  devices: number,
): Promise<{ readonly seconds: number; readonly loginMs: readonly number[] }> {
  const [file, key] = [join(gateway.folder, "fleet.csv"), join(gateway.folder, "key")];
  await writeFleet(file, devices);
  writeFileSync(key, CUSTOMER_KEY, { mode: 0o600 });
  await gateway.command("customers", "create", "--name", "Bench", "--customer-id", "bench");
  await gateway.command("customer-keys", "issue", "--customer", "bench", "--import", key);
  const importing = gateway.command("devices", "import", file);
  const [seconds, loginMs] = await Promise.all([importing, logInDuring(gateway, importing)]);
  return { seconds, loginMs };
}

/** Writes in pieces: a million lines at once would need much memory. */
async function writeFleet(file: string, devices: number): Promise<void> {
  async function* pieces(): AsyncGenerator<string> {
    yield "device_key,customer_id,name,labels\n";
    for (let from = 0; from < devices; from += PIECE) {
      const indexes = Array.from({ length: Math.min(PIECE, devices - from) }, (_, turn) => from + turn);
      yield indexes.map((index) => `${keyOf(index)},bench,Board ${index},site=north;line=${index % 7}\n`).join("");
    }
  }
  await pipeline(pieces, createWriteStream(file));
}

async function logInDuring({ publicUrl, demo }: RegistryGateway, work: Promise<unknown>): Promise<readonly number[]> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  work.then(end, end);
  const times: number[] = [];
  while (!over) {
    const begun = performance.now();
    const answer = await logInBy(publicUrl, demo);
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`void: a login was answered ${answer.status}`);
    times.push(performance.now() - begun);
    await pause(LOGIN_EVERY_MS);
  }
  return times.sort((one, other) => one - other);
}

function signedFor(index: number): LoadRequest {
  const deviceKey = keyOf(index);
  const { encode, decode } = DIALECTS.rest;
  const login = signLogin(CUSTOMER_KEY, deviceKey, Math.floor(Date.now() / 1000));
  return { bytes: encode(login), check: (answer) => checkAnswer(decode(answer), deviceKey, "RS256") };
}

/** Devices log in in random order. @returns the CPU of a login in microseconds */
async function logInFor(gateway: RegistryGateway, devices: number): Promise<number> {
  const lanes = await DIALECTS.rest.open(gateway.publicUrl, IN_FLIGHT);
  const before = gateway.cpuMicros();
  const deadline = performance.now() + SLICE_MS;
  const next = (): LoadRequest | undefined =>
    performance.now() < deadline ? signedFor(Math.floor(Math.random() * devices)) : undefined;
  const { latencies } = await runLoad(lanes, next);
  const cpu = gateway.cpuMicros() - before;
  for (const lane of lanes) lane.close();
  return cpu / latencies.length;
}

/** @returns the median time of each page in milliseconds, by its name */
async function timePages(gateway: RegistryGateway): Promise<ReadonlyMap<string, number>> {
  const tokens = [""];
  for (let token = ""; ; tokens.push(token)) {
    token = await gateway.list("/v1/devices", "", PAGE, token);
    if (token === "") break;
  }
  const times = new Map<string, number>();
  for (const [what, index] of Object.entries({ first: 0, middle: tokens.length >> 1, last: -2 })) {
    const token = tokens.at(index);
    times.set(`devices, the ${what}`, await timePage(() => gateway.list("/v1/devices", "", PAGE, token)));
  }
  for (const [what, [path, filter]] of Object.entries(PAGES)) {
    times.set(what, await timePage(() => gateway.list(path, filter, PAGE)));
  }
  return times;
}

async function timePage(list: () => Promise<string>): Promise<number> {
  const times: number[] = [];
  for (let page = 0; page < REPEATS; page++) {
    const begun = performance.now();
    await list();
    times.push(performance.now() - begun);
  }
  return spreadOf(times).median;
}

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    devices: { type: "string", default: "1000000" },
  },
});
const devices = Number(values.devices);
if (!Number.isInteger(devices) || devices < 1) throw new Error("--devices is a whole number above zero");
const parts = DATABASES.map((database) => [database, () => measureOn(database, devices)]);
await runParts(Object.fromEntries(parts), values.only);
