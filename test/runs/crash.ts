// `npm run crash [-- --kills 1000]`: kills gateways and PostgreSQL while they write. Exits 1 when a write was lost.

import { randomInt, randomUUID } from "node:crypto";
import { join } from "node:path";
import { sql } from "kysely";
import type { Environment } from "../../src/config.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { ADMIN_TOKEN, namedSettings } from "../gateway.ts";
import { onBothDatabases, type Result, readNumbers } from "../long-run.ts";
import type { PostgresServer } from "../postgres/server.ts";
import { launch, type ServingProcess } from "../program.ts";

const WORKERS = 4;
/** The largest number of rounds of writes before a kill. */
const MOST_ROUNDS = 12;
/** Every twentieth kill, and the last, also kills PostgreSQL. */
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
    const { customer_id: customer } = await operate(gateway, "POST", "customers", { display_name: "Crash" });
    for (let kill = 1; kill <= kills; kill++) {
      await writeUntilKilled(gateway, customer, ledger);
      if (kill === kills || kill % DATABASE_EVERY === 0) await server?.restart();
      gateway = await start();
      const { states, corrupt } = await inspect(settings);
      mistakes.push(...ledger.compare(states), ...corrupt);
    }
    if (ledger.acknowledged <= kills) mistakes.push("hardly any write was acknowledged");
    const line = `${kills} kill -9, ${ledger.acknowledged} writes acknowledged, ${mistakes.length} lost or corrupt`;
    return { line, mistakes };
  } finally {
    await gateway.end("SIGKILL");
  }
}

/** A call of an operator over REST. @throws Error when the status is not 2xx */
async function operate({ internalUrl }: ServingProcess, method: string, path: string, body?: object) {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
  const sent = body && { body: JSON.stringify(body) };
  const answer = await fetch(new URL(`/v1/${path}`, internalUrl), { method, headers, ...sent });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return JSON.parse(text);
}

/** The status of a device; undefined if there is none. */
type State = string | undefined;

/** The states that each device may have after a crash: the acknowledged one, and the one of an unanswered request. */
class Ledger {
  readonly #states = new Map<string, readonly State[]>();
  acknowledged = 0;

  /** Changes devices by `act`. Until it resolves, a crash may leave each of them in the old or in the new state. */
  async change(state: State, deviceKeys: readonly string[], act: () => Promise<unknown>): Promise<void> {
    for (const key of deviceKeys) this.#states.set(key, [this.#states.get(key)?.[0], state]);
    await act();
    for (const key of deviceKeys) this.#states.set(key, [state]);
    this.acknowledged += deviceKeys.length;
  }

  /** Compares the states found after a crash with the possible ones, then keeps only those found. @returns the mistakes */
  compare(found: ReadonlyMap<string, State>): readonly string[] {
    const wrong = [...this.#states].filter(([key, possible]) => !possible.includes(found.get(key)));
    for (const key of this.#states.keys()) this.#states.set(key, [found.get(key)]);
    const wordOf = (state: State): string => state ?? "gone";
    return wrong.map(
      ([key, possible]) => `${key} is ${wordOf(found.get(key))}, not ${possible.map(wordOf).join(" or ")}`,
    );
  }
}

/** Writes until it kills the gateway, after a random number of rounds. */
async function writeUntilKilled(gateway: ServingProcess, customer: string, ledger: Ledger): Promise<void> {
  const call = (method: string, path: string, body?: object) => () => operate(gateway, method, path, body);
  let roundsLeft = randomInt(1, MOST_ROUNDS + 1);
  let isKilled = false;
  const kill = (): Promise<unknown> => {
    isKilled = true;
    return gateway.end("SIGKILL");
  };

  async function work(): Promise<void> {
    for (;;) {
      const key = randomUUID();
      const path = `devices/${key}`;
      await ledger.change("enabled", [key], call("POST", `customers/${customer}/devices`, { device_key: key }));
      const disable = call("PATCH", `${path}?update_mask=status`, { status: "STATUS_DISABLED" });
      await ledger.change("disabled", [key], disable);
      if (randomInt(2) === 0) await ledger.change(undefined, [key], call("DELETE", path));
      // An import is done as a whole or not at all.
      const keys = Array.from({ length: IMPORTED }, () => randomUUID());
      const rows = keys.map((device_key) => ({ device_key, customer_id: customer }));
      await ledger.change("enabled", keys, call("POST", "devices:import", { rows }));
      // The delay places kills within writes too, not only between them.
      if (--roundsLeft === 0) setTimeout(() => void kill(), randomInt(4));
    }
  }

  const workers = Array.from({ length: WORKERS }, () =>
    work().catch((error: unknown) => {
      // A busy gateway may answer a write with `unavailable`.
      if (!isKilled && !String(error).includes('"reason":"unavailable"')) throw error;
    }),
  );
  await Promise.all(workers);
  await kill();
}

/** Reads the database without a gateway. @returns the state of each device, and what is corrupt */
async function inspect({ DATA_DIR = "", DATABASE_URL: url }: Environment) {
  const database = url === undefined ? openSqlite(join(DATA_DIR, "countersign.db")) : await openPostgres({ url });
  const { db, dialect } = database;
  try {
    const devices = await db.selectFrom("devices").select(["device_key", "status"]).execute();
    // PostgreSQL has no such pragmas: its check is that all rows can be read.
    const names = dialect === "sqlite" ? ["integrity_check", "foreign_key_check"] : [];
    const checks = await Promise.all(names.map((name) => sql.raw(`pragma ${name}`).execute(db)));
    const lines = checks.flatMap(({ rows }) => rows.map((row) => JSON.stringify(row)));
    return {
      states: new Map(devices.map(({ device_key, status }) => [device_key, status])),
      corrupt: lines.filter((line) => line !== '{"integrity_check":"ok"}'),
    };
  } finally {
    await database.close();
  }
}

if (process.argv[1] === import.meta.filename) {
  const kills = readNumbers({ kills: 1_000 })("kills");
  await onBothDatabases((settings, server) => runCrashes(kills, settings, server));
}
