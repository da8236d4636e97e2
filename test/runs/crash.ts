// `npm run crash [-- --kills 1000]`: kill -9 of a gateway, and of PostgreSQL, in the middle of writes. Exits 1 when a write was lost.

import { randomInt, randomUUID } from "node:crypto";
import { join } from "node:path";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { sql } from "kysely";
import { AdminService, Status } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { Environment } from "../../src/config.ts";
import type { Database } from "../../src/store/database.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { ADMIN_TOKEN, namedSettings } from "../gateway.ts";
import { onBothDatabases, type Result, readNumbers } from "../long-run.ts";
import type { PostgresServer } from "../postgres/server.ts";
import { launch, type ServingProcess } from "../program.ts";

const WORKERS = 4;
/** The most rounds of writes before a kill. */
const MOST_ROUNDS = 12;
/** The last kill of the gateway, and each twentieth, is one of PostgreSQL too. */
const DATABASE_EVERY = 20;
/** Number of devices in an import. */
const IMPORTED = 40;

/** Kills a gateway that writes, again and again, and compares the database with the acknowledged writes. */
export async function runCrashes(kills: number, settings: Environment, server?: PostgresServer): Promise<Result> {
  const env = namedSettings({ TOKEN_ALG: "EdDSA", LOG_LEVEL: "error", ...settings });
  const start = (): Promise<ServingProcess> => launch([], { env, logLength: 4_096 });
  const ledger = new Ledger();
  const mistakes: string[] = [];
  let gateway = await start();
  try {
    const { customerId } = await adminOf(gateway).createCustomer({ customer: { displayName: "Crash" } });
    for (let kill = 1; kill <= kills; kill++) {
      await writeUntilKilled(gateway, customerId, ledger);
      if (kill === kills || kill % DATABASE_EVERY === 0) await server?.restart();
      gateway = await start();
      mistakes.push(...ledger.compare(await inDatabase(settings, readStates)));
    }
    await gateway.end("SIGKILL");
    mistakes.push(...(await inDatabase(settings, findCorruption)));
    if (ledger.acknowledged <= kills) mistakes.push("hardly any write was acknowledged");
    const line = `${kills} kill -9, ${ledger.acknowledged} writes acknowledged, ${mistakes.length} lost or corrupt`;
    return { line, mistakes };
  } finally {
    await gateway.end("SIGKILL");
  }
}

type Admin = Client<typeof AdminService>;

function adminOf({ internalUrl }: ServingProcess): Admin {
  const transport = createConnectTransport({
    baseUrl: internalUrl,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${ADMIN_TOKEN}`);
        return next(request);
      },
    ],
  });
  return createClient(AdminService, transport);
}

/** The status of a device; undefined if there is none. */
type State = string | undefined;

/** The states that each device may have after a crash: the acknowledged one, and the one of an unanswered request. */
class Ledger {
  readonly #states = new Map<string, readonly State[]>();
  acknowledged = 0;

  /** Changes devices to a state: each may have it from the request on, and has it once the change is acknowledged. */
  async change(state: State, act: () => Promise<unknown>, ...deviceKeys: readonly string[]): Promise<void> {
    for (const key of deviceKeys) this.#states.set(key, [this.#states.get(key)?.[0], state]);
    await act();
    for (const key of deviceKeys) this.#states.set(key, [state]);
    this.acknowledged += deviceKeys.length;
  }

  /** Compares the states after a crash with the possible ones. They then count as acknowledged. @returns the mistakes */
  compare(found: ReadonlyMap<string, State>): readonly string[] {
    const wrong = [...this.#states].filter(([key, possible]) => !possible.includes(found.get(key)));
    for (const key of this.#states.keys()) this.#states.set(key, [found.get(key)]);
    const wordOf = (state: State): string => state ?? "gone";
    return wrong.map(
      ([key, possible]) => `${key} is ${wordOf(found.get(key))}, not ${possible.map(wordOf).join(" or ")}`,
    );
  }
}

/** Writes until the gateway is gone, which is after a random number of rounds. */
async function writeUntilKilled(gateway: ServingProcess, customerId: string, ledger: Ledger): Promise<void> {
  const admin = adminOf(gateway);
  let left = randomInt(1, MOST_ROUNDS);
  let isKilled = false;
  const kill = (): Promise<unknown> => {
    isKilled = true;
    return gateway.end("SIGKILL");
  };

  async function work(): Promise<void> {
    for (;;) {
      await changeDevice(admin, customerId, ledger);
      await importDevices(admin, customerId, ledger);
      // Kills at a time within a write, not only between writes.
      if (--left === 0) setTimeout(() => void kill(), randomInt(4));
    }
  }

  await Promise.all(
    Array.from({ length: WORKERS }, async () => {
      await work().catch((error: unknown) => {
        // A busy gateway may answer a write with `unavailable`.
        const isUnavailable = error instanceof ConnectError && error.code === Code.Unavailable;
        if (!isKilled && !isUnavailable) throw error;
      });
    }),
  );
  await kill();
}

/** Creates a device, disables it, deletes every other one. */
async function changeDevice(admin: Admin, customerId: string, ledger: Ledger): Promise<void> {
  const deviceKey = randomUUID();
  await ledger.change("enabled", () => admin.createDevice({ customerId, device: { deviceKey } }), deviceKey);
  const disable = { device: { deviceKey, status: Status.DISABLED }, updateMask: { paths: ["status"] } };
  await ledger.change("disabled", () => admin.updateDevice(disable), deviceKey);
  if (deviceKey < "8") await ledger.change(undefined, () => admin.deleteDevice({ deviceKey }), deviceKey);
}

/** Imports a batch: all of it or nothing. */
async function importDevices(admin: Admin, customerId: string, ledger: Ledger): Promise<void> {
  const rows = Array.from({ length: IMPORTED }, () => ({ deviceKey: randomUUID(), customerId }));
  await ledger.change("enabled", () => admin.importDevices({ rows }), ...rows.map(({ deviceKey }) => deviceKey));
}

/** Reads the database without a gateway. */
async function inDatabase<Found>(
  { DATA_DIR = "", DATABASE_URL: url }: Environment,
  read: (database: Database) => Promise<Found>,
): Promise<Found> {
  const database = url === undefined ? openSqlite(join(DATA_DIR, "countersign.db")) : await openPostgres({ url });
  try {
    return await read(database);
  } finally {
    await database.close();
  }
}

async function readStates({ db }: Database): Promise<ReadonlyMap<string, State>> {
  const rows = await db.selectFrom("devices").select(["device_key", "status"]).execute();
  return new Map(rows.map(({ device_key, status }) => [device_key, status]));
}

/** SQLite's own checks. PostgreSQL's is to read everything. */
async function findCorruption({ db, dialect }: Database): Promise<readonly string[]> {
  if (dialect === "postgres") return [];
  const checks = ["integrity_check", "foreign_key_check"].map((name) => sql.raw(`pragma ${name}`).execute(db));
  const found = (await Promise.all(checks)).flatMap(({ rows }) => rows.map((row) => JSON.stringify(row)));
  return found.filter((row) => row !== '{"integrity_check":"ok"}');
}

if (process.argv[1] === import.meta.filename) {
  const kills = readNumbers({ kills: 1_000 })("kills");
  await onBothDatabases((settings, server) => runCrashes(kills, settings, server));
}
