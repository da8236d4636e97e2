// How long an import and an export take, by the real commands against a gateway of its own, and how long logins wait meanwhile.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import { postLogin } from "../test/gateway.ts";
import { quantile, type Section } from "./figures.ts";
import { signLogin } from "./fleet.ts";
import { DATABASES, openRegistryGateway, type RegistryGateway } from "./registry-gateway.ts";

/** Keys as serial numbers are, or as UUIDs: those land all over an index, which is the worst that can come. */
const KEYS = {
  "in order": (place: number) => `device-${String(place).padStart(8, "0")}`,
  random: (place: number) => createHash("sha256").update(`device ${place}`).digest("hex").slice(0, 32),
} satisfies Record<string, (place: number) => string>;

const TARGET_SECONDS = 60;
const TARGET_BYTES = 250 * 1024 * 1024;
const LOGIN_EVERY_MS = 20;
const COLUMNS = "device_key,customer_id,name,key_mode,shared_identity,replay_guard,labels";
/** Lines that are written at a time. */
const PIECE = 1_000;

export interface RegistryOptions {
  readonly devices: number;
}

interface ImportFigures {
  readonly name: string;
  readonly importSeconds: number;
  readonly againSeconds: number;
  readonly exportSeconds: number;
  readonly maxRss: number;
  /** How long logins took while the import went on, in milliseconds, ascending. */
  readonly loginMs: readonly number[];
}

export async function measureImport({ devices }: RegistryOptions): Promise<Section> {
  const found: ImportFigures[] = [];
  for (const database of DATABASES) {
    for (const [order, keyOf] of Object.entries(KEYS)) {
      await using gateway = await openRegistryGateway(database);
      found.push({ name: `${database}, keys ${order}`, ...(await importInto(gateway, devices, keyOf)) });
    }
  }
  const targets = found.flatMap(({ name, importSeconds, maxRss }) => [
    {
      text: `${name}: ${devices} devices in ${importSeconds.toFixed(1)} s, at most ${TARGET_SECONDS}`,
      met: importSeconds <= TARGET_SECONDS,
    },
    { text: `${name}: ${mebibytes(maxRss)} MiB, at most ${mebibytes(TARGET_BYTES)}`, met: maxRss <= TARGET_BYTES },
  ]);
  return {
    title: `Import and export of ${devices} devices, by the commands`,
    rows: [
      [
        "into",
        "import, s",
        "devices/s",
        "again, s",
        "export, s",
        "gateway at most, MiB",
        "login p50, ms",
        "p99",
        "at most",
      ],
      ...found.map((figures) => [
        figures.name,
        figures.importSeconds.toFixed(1),
        (devices / figures.importSeconds).toFixed(0),
        figures.againSeconds.toFixed(1),
        figures.exportSeconds.toFixed(1),
        mebibytes(figures.maxRss),
        ...[0.5, 0.99, 1].map((share) => quantile(figures.loginMs, share).toFixed(1)),
      ]),
    ],
    notes: [`Logins: of one device, every ${LOGIN_EVERY_MS} ms while the import goes on, RS256 included.`],
    targets,
  };
}

async function importInto(
  gateway: RegistryGateway,
  devices: number,
  keyOf: (place: number) => string,
): Promise<Omit<ImportFigures, "name">> {
  const file = join(gateway.folder, "devices.csv");
  const lineOf = (place: number): string =>
    `${keyOf(place)},bench,Pump ${place},shared,false,off,site=north;line=${place % 7}`;
  await writeDevices(file, devices, COLUMNS, lineOf);
  await gateway.command("customers", "create", "--name", "Bench", "--customer-id", "bench");

  const importing = gateway.command("devices", "import", file);
  const [importSeconds, loginMs] = await Promise.all([importing, logInDuring(gateway, importing)]);
  const maxRss = gateway.maxRss();
  const exportSeconds = await gateway.command("devices", "export", "--output", join(gateway.folder, "exported.csv"));
  const againSeconds = await gateway.command("devices", "import", file);
  return { importSeconds, againSeconds, exportSeconds, maxRss, loginMs };
}

/** Writes a file of devices in pieces: a million lines at once would be the bench's own memory. */
export async function writeDevices(
  file: string,
  devices: number,
  head: string,
  lineOf: (place: number) => string,
): Promise<void> {
  async function* pieces(): AsyncGenerator<string> {
    yield `${head}\n`;
    for (let from = 0; from < devices; from += PIECE) {
      const length = Math.min(PIECE, devices - from);
      yield Array.from({ length }, (_, place) => `${lineOf(from + place)}\n`).join("");
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
    const body = signLogin(demo.customerKey, demo.deviceKey, Math.floor(Date.now() / 1_000));
    const begun = performance.now();
    const answer = await postLogin(publicUrl, body);
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`void: a login was answered ${answer.status}`);
    times.push(performance.now() - begun);
    await pause(LOGIN_EVERY_MS);
  }
  return times.sort((one, other) => one - other);
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}
