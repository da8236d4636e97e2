// The two queries of a login, compiled once: a device with its customer, and a customer's keys. Knows the schema.

import { type CompiledQuery, sql } from "kysely";
import { type BatchOptions, createBatches } from "./batches.ts";
import type { Database, Dialect } from "./database.ts";

/**
 * Devices that come thick are asked for together: a round trip each to PostgreSQL would cost more than a login has, and a query
 * each on SQLite twice as much as a few at once, its code and pages being out of the processor's caches each time.
 */
const LOOK_UPS = {
  sqlite: { most: 200, atOnce: 1, apartMs: 4 },
  postgres: { most: 200, atOnce: 4, apartMs: 4 },
} satisfies Record<Dialect, BatchOptions>;

/** Stand in for the parameters while a query is compiled. */
const ASKED = "\0asked";
const NOW = -1;
/** The name of the decoy: see the migration that made it. */
const DECOY = "";
/** Read in place of the decoy's empty names: no name of a real customer or key, and as long as most, since to read takes time. */
export const DECOY_ID = "................";
/** As long as a sealed key mostly is. */
const DECOY_SECRET = Buffer.alloc(101);
/** The keys of both purposes that a customer has at most. */
const KEY_ROWS = 6;

/** A device; of a name that is nobody's, the decoy. */
export type DeviceRow = Awaited<ReturnType<ReturnType<typeof buildDeviceQuery>["execute"]>>[number];

/** One of six keys of a customer that are not over, of which those that there are not are decoys. */
export interface KeyRow {
  readonly asked: string;
  readonly key_id: string;
  readonly purpose: string;
  readonly sealed_secret: Uint8Array;
  readonly not_before: number;
  readonly expires_at: number | null;
}

export interface CredentialQueries {
  findDevice(deviceKey: string, now: number): Promise<DeviceRow>;
  /** Own keys before shared ones, the newest first; always as many rows. */
  findKeys(customerId: string, now: number): Promise<readonly KeyRow[]>;
}

function askedNames({ dialect }: Pick<Database, "dialect">) {
  return dialect === "postgres"
    ? sql<{ name: string }>`(select unnest(${ASKED}::text[]) as name)`
    : sql<{ name: string }>`(select value as name from json_each(${ASKED}))`;
}

/** Where there is no device the decoy is found, so that the two cost the same. */
function buildDeviceQuery(database: Database) {
  return database.db
    .selectFrom(askedNames(database).as("asked"))
    .innerJoin("devices as device", (join) =>
      join.on(({ eb, fn, selectFrom, val }) =>
        eb(
          "device.device_key",
          "=",
          fn.coalesce(
            selectFrom("devices as named").whereRef("named.device_key", "=", "asked.name").select("named.device_key"),
            val(DECOY),
          ),
        ),
      ),
    )
    .innerJoin("customers as customer", "customer.customer_id", "device.customer_id")
    .select([
      "asked.name as asked",
      "device.status as device_status",
      "customer.status as customer_status",
      "customer.login_limit",
      "device.key_mode",
      "device.key_mode_since",
      "device.accepts_shared",
      "device.shared_identity",
      "device.replay_guard",
      "device.created_at as device_created_at",
      "device.tokens_not_before as device_tokens_not_before",
      "customer.tokens_not_before as customer_tokens_not_before",
      sql<number>`case device.device_key when ${sql.lit(DECOY)} then 0 else 1 end`.as("is_enrolled"),
      sql<string>`case device.device_key when ${sql.lit(DECOY)} then ${sql.lit(DECOY_ID)}
        else device.customer_id end`.as("customer_id"),
    ]);
}

/** Filled up with decoys: how many keys a customer has is not to be told by the time it takes to read them. */
function buildKeyQuery(database: Database) {
  const fillers = sql.join(Array.from({ length: KEY_ROWS }, (_, place) => sql`(${sql.lit(place + 1)})`));
  const filler = (value: unknown, type: string) => sql`cast(${value} as ${sql.raw(type)})`;
  const bytes = database.dialect === "postgres" ? "bytea" : "blob";
  return sql<KeyRow>`
    select ranked.asked, ranked.key_id, ranked.purpose, ranked.sealed_secret, ranked.not_before, ranked.expires_at
    from (
      select every.*, row_number() over (
        partition by every.asked order by every.filler, every.purpose, every.created_at desc, every.key_id
      ) as place
      from (
        select asked.name as asked, 0 as filler,
          case key.key_id when ${sql.lit(DECOY)} then ${sql.lit(DECOY_ID)} else key.key_id end as key_id, key.purpose, key.sealed_secret, key.not_before, key.expires_at,
          key.created_at
        from ${askedNames(database)} as asked
        inner join customer_keys as key on key.customer_id = asked.name
        where key.retired_at is null and key.lost_at is null and (key.expires_at is null or key.expires_at > ${NOW})
        union all
        select asked.name, 1, ${filler(DECOY_ID, "text")}, ${filler("login", "text")}, ${filler(DECOY_SECRET, bytes)},
          ${filler(0, "bigint")}, ${filler(null, "bigint")}, ${filler(0, "bigint")}
        from ${askedNames(database)} as asked cross join (values ${fillers}) as filler
      ) as every
    ) as ranked
    where ranked.place <= ${sql.lit(KEY_ROWS)}
    order by ranked.asked, ranked.place`;
}

/** Compiles the queries. What they give throws AuthError `unavailable` when the database cannot be asked. */
export function createCredentialQueries(
  database: Database,
  lookUps: BatchOptions = LOOK_UPS[database.dialect],
): CredentialQueries {
  const devices = runner<DeviceRow>(database, buildDeviceQuery(database).compile(), lookUps);
  const keys = runner<KeyRow>(database, buildKeyQuery(database).compile(database.db), lookUps);
  return {
    async findDevice(deviceKey, now) {
      const [device] = await devices(deviceKey, now);
      if (device === undefined) throw new TypeError("a look-up finds the decoy at least: is the decoy row gone?");
      return device;
    },
    findKeys: (customerId, now) => keys(customerId === DECOY_ID ? DECOY : customerId, now),
  };
}

type Run<Row> = (asked: string, now: number) => Promise<readonly Row[]>;

function runner<Row extends { readonly asked: string }>(
  database: Database,
  compiled: CompiledQuery<Row>,
  lookUps: BatchOptions,
): Run<Row> {
  const query = (names: readonly string[], now: number): Promise<readonly Row[]> => {
    const asked = database.dialect === "postgres" ? names : JSON.stringify(names);
    const parameters = compiled.parameters.map((value) => (value === ASKED ? asked : value === NOW ? now : value));
    return database.read(async (db) => (await db.executeQuery<Row>({ ...compiled, parameters })).rows);
  };
  const queryOne = createBatches<{ asked: string; now: number }, readonly Row[]>(async (batch) => {
    const names = [...new Set(batch.map(({ asked }) => asked))];
    const rows = Map.groupBy(await query(names, Math.max(...batch.map(({ now }) => now))), ({ asked }) => asked);
    return batch.map(({ asked }) => rows.get(asked) ?? []);
  }, lookUps);
  return (asked, now) => queryOne({ asked, now });
}
