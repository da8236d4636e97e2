// The query of a login: a device with its customer and keys, compiled once. Knows the schema.

import { type CompiledQuery, sql } from "kysely";
import { AuthError } from "../core/errors.ts";
import { createBatches } from "./batches.ts";
import { type Database, UNAVAILABLE_RETRY_MS } from "./database.ts";

/** PostgreSQL is asked for so many devices at once, in so many queries: a round trip each would cost more than a login has. */
const BATCHES = { most: 200, atOnce: 4 };

/** Stand in for the parameters while the query is compiled. */
const ASKED = "\0asked";
const NOW = -1;
/** The name of the decoy: see the migration that made it. */
const DECOY = "";
/** Read in place of the decoy's empty names, and as long as most: a text that is read takes time. */
export const DECOY_ID = "0123456789abcdef";

/** A device and one of its keys that are not over; of a device that is not enrolled, the decoy. */
export type CredentialRow = Awaited<ReturnType<ReturnType<typeof buildQuery>["execute"]>>[number];

/** Finds a device by its name: a row a key, one without where there is none, and always one at least. */
export type FindCredentialRows = (deviceKey: string, now: number) => Promise<readonly CredentialRow[]>;

/** Where there is no device the decoy is found, so that the two cost the same. */
function buildQuery({ db, dialect }: Database) {
  const asked =
    dialect === "postgres"
      ? sql<{ name: string }>`(select unnest(${ASKED}::text[]) as name)`
      : sql<{ name: string }>`(select ${ASKED} as name)`;
  return (
    db
      .selectFrom(asked.as("asked"))
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
      .leftJoin("customer_keys as key", (join) =>
        join
          .onRef("key.customer_id", "=", "device.customer_id")
          .on("key.retired_at", "is", null)
          .on((on) => on.or([on("key.expires_at", "is", null), on("key.expires_at", ">", NOW)]))
          .on((on) =>
            on.or([
              on(
                "key.purpose",
                "=",
                sql<string>`case device.key_mode when 'derived' then 'derivation' else 'login' end`,
              ),
              on("device.accepts_shared", "=", 1),
            ]),
          ),
      )
      .select([
        "asked.name",
        "device.status as device_status",
        "customer.status as customer_status",
        "customer.login_limit",
        "device.key_mode",
        "device.accepts_shared",
        "device.shared_identity",
        "device.replay_guard",
        "key.purpose",
        "key.sealed_secret",
        "key.not_before",
        "key.expires_at",
        sql<number>`case device.device_key when ${sql.lit(DECOY)} then 0 else 1 end`.as("is_enrolled"),
        sql<string>`case device.device_key when ${sql.lit(DECOY)} then ${sql.lit(DECOY_ID)}
          else device.customer_id end`.as("customer_id"),
        sql<string | null>`case device.device_key when ${sql.lit(DECOY)} then ${sql.lit(DECOY_ID)}
          else key.key_id end`.as("key_id"),
      ])
      // A device's own keys before shared ones, the newest first.
      .orderBy("key.purpose")
      .orderBy("key.created_at", "desc")
  );
}

/** Compiles the query. What it gives throws AuthError `unavailable` when the database cannot be asked. */
export function createCredentialQuery(database: Database): FindCredentialRows {
  const compiled: CompiledQuery<CredentialRow> = buildQuery(database).compile();

  async function query(asked: string | readonly string[], now: number): Promise<readonly CredentialRow[]> {
    const parameters = compiled.parameters.map((value) => (value === ASKED ? asked : value === NOW ? now : value));
    const { rows } = await database.db.executeQuery<CredentialRow>({ ...compiled, parameters }).catch(refuse);
    return rows;
  }

  if (database.dialect === "sqlite") return query;

  const queryOne = createBatches<{ deviceKey: string; now: number }, readonly CredentialRow[]>(async (asked) => {
    const names = [...new Set(asked.map(({ deviceKey }) => deviceKey))];
    const rows = Map.groupBy(await query(names, Math.max(...asked.map(({ now }) => now))), ({ name }) => name);
    return asked.map(({ deviceKey }) => rows.get(deviceKey) ?? []);
  }, BATCHES);
  return (deviceKey, now) => queryOne({ deviceKey, now });
}

function refuse(cause: unknown): never {
  const particulars = { retryAfterMs: UNAVAILABLE_RETRY_MS };
  throw new AuthError("unavailable", "the registry cannot be asked now. Try again later", particulars, { cause });
}
