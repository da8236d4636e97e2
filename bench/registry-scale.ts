// A fleet of a million beside one of a thousand: a login, a start and a page of a list; by the commands and
// the contract alone.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DIALECTS } from "./dialects.ts";
import { type Section, spreadOf } from "./figures.ts";
import { checkAnswer, signLogin } from "./fleet.ts";
import { runLoad } from "./load.ts";
import { startRedis } from "./redis.ts";
import { DATABASES, type DatabaseName, openRegistryGateway, type RegistryGateway } from "./registry-gateway.ts";
import { type RegistryOptions, writeDevices } from "./registry-import.ts";

const SMALL = 1_000;
const CUSTOMER_KEY = createHash("sha256").update("the customer key of the bench").digest("hex");

const TARGET_RATIO = 1.03;
const TARGET_START_MS = 2_000;
const TARGET_BYTES = 200e6;
/** A page may take so many times the first one, and what the machine adds. */
const TARGET_PAGE_RATIO = 2;
const TARGET_PAGE_MORE_MS = 5;

const ROUNDS = 8;
const SLICE_MS = 2_000;
const IN_FLIGHT = 16;
const STARTS = 5;
const REPEATS = 15;

/** Devices are known by their place alone: a million names would be the bench's own memory. */
function keyOf(place: number): string {
  return createHash("sha256").update(`scale ${place}`).digest("hex").slice(0, 32);
}

interface ScaleFigures {
  readonly name: DatabaseName;
  /** CPU of a login in microseconds, round by round. */
  readonly small: readonly number[];
  readonly large: readonly number[];
  readonly startMs: readonly number[];
  readonly maxRss: number;
  /** Milliseconds a page, the median of several, by what page it is. */
  readonly pages: ReadonlyMap<string, number>;
}

/** Measures on each database, with Redis for the limits. */
export async function measureScale({ devices }: RegistryOptions): Promise<Section> {
  const redis = await startRedis();
  const figures: ScaleFigures[] = [];
  try {
    for (const database of DATABASES) figures.push(await measureOn(database, devices, redis.url));
  } finally {
    await redis.stop();
  }
  return describe(figures, devices);
}

async function measureOn(name: DatabaseName, devices: number, redisUrl: string): Promise<ScaleFigures> {
  // No device comes to its limit: those of the small fleet log in often.
  const settings = {
    COUNTERSIGN_REDIS_URL: redisUrl,
    COUNTERSIGN_LOGIN_LIMIT: "250/60s",
    COUNTERSIGN_LOG_LEVEL: "info",
  };
  await using small = await openRegistryGateway(name, settings);
  await using large = await openRegistryGateway(name, settings);
  await enrolFleet(small, SMALL);
  await enrolFleet(large, devices);

  const startMs: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const begun = performance.now();
    await large.restart();
    await logInOnce(large, start);
    startMs.push(performance.now() - begun);
  }

  const fleets = [
    { gateway: small, size: SMALL, cpu: [] as number[] },
    { gateway: large, size: devices, cpu: [] as number[] },
  ] as const;
  for (const { gateway, size } of fleets) await logInFor(gateway, size, SLICE_MS);
  for (let round = 0; round < ROUNDS; round++) {
    // Who goes first alternates.
    for (const { gateway, size, cpu } of round % 2 === 0 ? fleets : fleets.toReversed()) {
      cpu.push(await logInFor(gateway, size, SLICE_MS));
    }
  }
  const pages = await timePages(large);
  return { name, small: fleets[0].cpu, large: fleets[1].cpu, startMs, maxRss: large.maxRss(), pages };
}

async function enrolFleet(gateway: RegistryGateway, devices: number): Promise<void> {
  const [file, key] = [join(gateway.folder, "fleet.csv"), join(gateway.folder, "key")];
  await writeDevices(file, devices, "device_key,customer_id,name", (place) => `${keyOf(place)},scale,Board ${place}`);
  writeFileSync(key, CUSTOMER_KEY, { mode: 0o600 });
  await gateway.command("customers", "create", "--name", "Scale", "--customer-id", "scale");
  await gateway.command("customer-keys", "issue", "--customer", "scale", "--import", key);
  await gateway.command("devices", "import", file);
}

function signedFor(place: number): { bytes: Buffer; check: (answer: Buffer) => void } {
  const deviceKey = keyOf(place);
  const { encode, decode } = DIALECTS.rest;
  const login = signLogin(CUSTOMER_KEY, deviceKey, Math.floor(Date.now() / 1000));
  const fleet = { customerKey: CUSTOMER_KEY, deviceKeys: [] };
  return { bytes: encode(login, fleet), check: (answer) => checkAnswer(decode(answer), deviceKey, "RS256") };
}

async function logInOnce(gateway: RegistryGateway, place: number): Promise<void> {
  const lanes = await DIALECTS.rest.open(gateway.publicUrl, 1);
  const requests = [signedFor(place)];
  await runLoad(lanes, () => requests.pop());
  for (const lane of lanes) lane.close();
}

/** Devices log in in random order. @returns the CPU of a login in microseconds */
async function logInFor(gateway: RegistryGateway, devices: number, ms: number): Promise<number> {
  const lanes = await DIALECTS.rest.open(gateway.publicUrl, IN_FLIGHT);
  const before = gateway.cpuMicros();
  const deadline = performance.now() + ms;
  const next = (): ReturnType<typeof signedFor> | undefined =>
    performance.now() < deadline ? signedFor(Math.floor(Math.random() * devices)) : undefined;
  const { latencies } = await runLoad(lanes, next);
  const cpu = gateway.cpuMicros() - before;
  for (const lane of lanes) lane.close();
  return cpu / latencies.length;
}

/** Pages that are asked for by themselves. */
const PAGES = {
  "devices of one customer": ["/v1/devices", 'customer_id = "scale"'],
  "devices, nothing matching": ["/v1/devices", 'status = "disabled"'],
  "devices of one label": ["/v1/devices", 'labels.site = "north"'],
  "devices that never logged in": ["/v1/devices", 'last_key_id = ""'],
  "audit events": ["/v1/audit-events", ""],
  "audit events, nothing matching": ["/v1/audit-events", 'action = "DeleteCustomer"'],
} as const;
/** Number of pages timed as the first, the middle and the last. */
const STRETCH = 20;
const LARGEST_PAGE = 1_000;

async function timePages(gateway: RegistryGateway): Promise<ReadonlyMap<string, number>> {
  const walked: number[] = [];
  for (let token: string | undefined = ""; token !== undefined; ) {
    const begun = performance.now();
    const next: string = await gateway.list("/v1/devices", { size: LARGEST_PAGE, token });
    walked.push(performance.now() - begun);
    token = next === "" ? undefined : next;
  }
  // A first run compiles and opens everything before the clock starts.
  const begin = await timePage(() => gateway.list("/v1/devices", { size: LARGEST_PAGE }));
  const middle = Math.floor(walked.length / 2);
  const times = new Map([
    [FIRST_PAGE, begin],
    ["devices, the middle", median(walked.slice(middle, middle + STRETCH))],
    // The last may be short.
    ["devices, the last", median(walked.slice(-STRETCH - 1, -1))],
  ]);
  for (const [what, [path, filter]] of Object.entries(PAGES)) {
    times.set(what, await timePage(() => gateway.list(path, { filter, size: LARGEST_PAGE })));
  }
  return times;
}

const FIRST_PAGE = "devices, the first";

async function timePage(list: () => Promise<string>): Promise<number> {
  const times: number[] = [];
  for (let page = 0; page < REPEATS; page++) {
    const begun = performance.now();
    await list();
    times.push(performance.now() - begun);
  }
  return median(times);
}

function median(values: readonly number[]): number {
  return spreadOf(values).median;
}

function describe(figures: readonly ScaleFigures[], devices: number): Section {
  const ratioOf = ({ small, large }: ScaleFigures): number =>
    median(large.map((cpu, round) => cpu / (small[round] ?? cpu)));
  const pagesOf = ({ pages }: ScaleFigures): readonly (readonly [string, number, number])[] => {
    const first = pages.get(FIRST_PAGE) ?? 0;
    return [...pages].map(([what, ms]) => [what, ms, first * TARGET_PAGE_RATIO + TARGET_PAGE_MORE_MS]);
  };
  return {
    title: `A fleet of ${devices} beside one of ${SMALL}`,
    rows: [
      ["on", `login of ${SMALL}, us`, `of ${devices}, us`, "ratio", "start to first login, ms", "at most, MiB"],
      ...figures.map((one) => [
        one.name,
        median(one.small).toFixed(0),
        median(one.large).toFixed(0),
        ratioOf(one).toFixed(3),
        median(one.startMs).toFixed(0),
        (one.maxRss / 1024 / 1024).toFixed(0),
      ]),
    ],
    notes: figures.flatMap((one) =>
      pagesOf(one).map(([what, ms]) => `${one.name}, a page of ${what}: ${ms.toFixed(1)} ms`),
    ),
    targets: figures.flatMap((one) => [
      {
        text: `${one.name}: a login ${ratioOf(one).toFixed(3)} times as dear, at most ${TARGET_RATIO}`,
        met: ratioOf(one) <= TARGET_RATIO,
      },
      {
        text: `${one.name}: start to first login ${Math.max(...one.startMs).toFixed(0)} ms at most, target ${TARGET_START_MS}`,
        met: Math.max(...one.startMs) <= TARGET_START_MS,
      },
      {
        text: `${one.name}: ${(one.maxRss / 1024 / 1024).toFixed(0)} MiB, at most 250`,
        met: one.maxRss <= TARGET_BYTES,
      },
      {
        text: `${one.name}: every page within ${TARGET_PAGE_RATIO} times the first and ${TARGET_PAGE_MORE_MS} ms`,
        met: pagesOf(one).every(([, ms, most]) => ms <= most),
      },
    ]),
  };
}
