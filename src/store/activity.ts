// The queries of what was last seen of devices. Knows the schema.

import { type CompiledQuery, type RawBuilder, sql, type Transaction } from "kysely";
import { type AuditEntry, GATEWAY } from "../core/registry/ports.ts";
import type { ActivityStore, Move, Sighting } from "../core/registry/record-ports.ts";
import { insertAuditEvents } from "./audit.ts";
import type { Database, Dialect } from "./database.ts";
import type { Schema } from "./schema.ts";

/** Rows of a statement: it is compiled once for each size, and filled up with rows that nothing comes of. */
const SIZES = [1, 16, 64, 250];
const LARGEST = 250;

/** Of nobody: the decoy's name, which is passed over. */
const FILLING: Sighting = { deviceKey: "", login: undefined, failure: undefined };

/** The activity kept in one database. */
export function createActivityStore({ db, dialect, write }: Database): ActivityStore {
  const compiled = new Map(SIZES.map((size) => [size, buildUpsert(size, dialect).compile(db)]));

  function statementFor(rows: number): { readonly size: number; readonly query: CompiledQuery } {
    const size = SIZES.find((candidate) => candidate >= rows) ?? LARGEST;
    const query = compiled.get(size);
    if (query === undefined) throw new TypeError("every size has its statement");
    return { size, query };
  }

  return {
    async record(sightings) {
      for (let start = 0; start < sightings.length; start += LARGEST) {
        // In the order of their names: neighbours are found together.
        const batch = sightings
          .slice(start, start + LARGEST)
          .sort((one, other) => (one.deviceKey < other.deviceKey ? -1 : 1));
        const { size, query } = statementFor(batch.length);
        const filled = [...batch, ...Array.from({ length: size - batch.length }, () => FILLING)];
        await write((transaction) => transaction.executeQuery({ ...query, parameters: filled.flatMap(parametersOf) }));
      }
    },

    async finishMoves(moves, at) {
      for (let start = 0; start < moves.length; start += LARGEST) {
        await write((transaction) => finishMoves(transaction, moves.slice(start, start + LARGEST), at));
      }
    },
  };
}

/** Ends each move, unless another one began since: the devices are written in the order of their names. */
async function finishMoves(transaction: Transaction<Schema>, moves: readonly Move[], at: number): Promise<void> {
  const entries: AuditEntry[] = [];
  for (const { deviceKey, movingSince } of moves.toSorted((one, other) => (one.deviceKey < other.deviceKey ? -1 : 1))) {
    const device = await transaction
      .updateTable("devices")
      .set((eb) => ({ accepts_shared: 0, updated_at: at, revision: eb("revision", "+", 1) }))
      .where("device_key", "=", deviceKey)
      .where("accepts_shared", "=", 1)
      .where("key_mode_since", "=", movingSince)
      .returning("customer_id")
      .executeTakeFirst();
    if (device === undefined) continue;
    const resource = `devices/${deviceKey}`;
    const details = { accepts_shared_key: false };
    entries.push({ actor: GATEWAY, at, action: "FinishMove", resource, customerId: device.customer_id, details });
  }
  await insertAuditEvents(transaction, entries);
}

function parametersOf({ deviceKey, login, failure }: Sighting): (string | number | null)[] {
  const [loginAt, keyId] = [login?.at ?? null, login?.keyId ?? null];
  return [deviceKey, loginAt, keyId, loginAt, failure?.at ?? null, failure?.reason ?? null];
}

/** What is a day ahead of what is seen now was written by a gateway whose clock was wrong: it would hide all that came after. */
const WRONG_BY_MS = 86_400_000;

function isNewer(column: string): RawBuilder<unknown> {
  const [seen, kept] = [sql.ref(`excluded.${column}`), sql.ref(`device_activity.${column}`)];
  return sql`(${seen} is not null and (${kept} is null or ${seen} > ${kept} or ${kept} - ${seen} > ${sql.lit(WRONG_BY_MS)}))`;
}

/**
 * Rows of devices that are enrolled, and were when they were seen (one that was deleted has no part in one of its name), each column the later one's of what was seen and what is there. On PostgreSQL in the order
 * of their names, come what may: several gateways write the same rows, and none is to wait for another that waits for it.
 */
function buildUpsert(size: number, dialect: Dialect): RawBuilder<unknown> {
  const inOrder = dialect === "postgres" ? sql`order by seen.column1` : sql``;
  const row = sql`(cast(${null} as text), cast(${null} as bigint), cast(${null} as text), cast(${null} as bigint),
    cast(${null} as bigint), cast(${null} as text))`;
  const newerLogin = isNewer("last_login_at");
  const newerFailure = isNewer("last_failure_at");
  const later = (condition: RawBuilder<unknown>, column: string): RawBuilder<unknown> =>
    sql`${sql.ref(column)} = case when ${condition} then ${sql.ref(`excluded.${column}`)}
      else ${sql.ref(`device_activity.${column}`)} end`;
  return sql`
    insert into device_activity (device_key, last_login_at, last_key_id, key_since, last_failure_at, last_failure_reason)
    select seen.column1, seen.column2, seen.column3, seen.column4, seen.column5, seen.column6
    from (values ${sql.join(Array.from({ length: size }, () => row))}) as seen
    where seen.column1 <> '' and exists (
      select 1 from devices
      where devices.device_key = seen.column1 and devices.created_at <= coalesce(seen.column2, seen.column5)
    )
    ${inOrder}
    on conflict (device_key) do update set
      ${later(newerLogin, "last_login_at")},
      ${later(newerLogin, "last_key_id")},
      key_since = case when excluded.last_key_id = device_activity.last_key_id then device_activity.key_since
        when ${newerLogin} then excluded.key_since else device_activity.key_since end,
      ${later(newerFailure, "last_failure_at")},
      ${later(newerFailure, "last_failure_reason")}`;
}
