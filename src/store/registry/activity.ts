// The queries of devices' last logins and failures.

import { type RawBuilder, sql, type Transaction } from "kysely";
import type { ActivityStore, ActivityUpdate, Move } from "../../core/activity.ts";
import { type AuditEntry, GATEWAY } from "../../core/registry/ports.ts";
import type { Database, Dialect } from "../database.ts";
import { DECOY, type Schema } from "../schema.ts";
import { insertAuditEvents } from "./audit.ts";

/** Rows in each statement: all have the same text, which is compiled once. */
const ROWS = 250;

/** Pads a statement to its full size. The statement skips the decoy's name. */
const FILLING: ActivityUpdate = { deviceKey: DECOY, login: undefined, failure: undefined };

/** The activity in one database. */
export function createActivityStore({ db, dialect, write }: Database): ActivityStore {
  const upsert = buildUpsert(ROWS, dialect).compile(db);

  return {
    async record(updates) {
      for (let start = 0; start < updates.length; start += ROWS) {
        // Sorted by name: neighbours share pages of the index.
        const batch = updates.slice(start, start + ROWS).sort(byDeviceKey);
        const filled = Array.from({ length: ROWS }, (_, index) => batch[index] ?? FILLING);
        await write((transaction) => transaction.executeQuery({ ...upsert, parameters: filled.flatMap(parametersOf) }));
      }
    },

    async finishMoves(moves, at) {
      for (let start = 0; start < moves.length; start += ROWS) {
        await write((transaction) => finishMoves(transaction, moves.slice(start, start + ROWS), at));
      }
    },
  };
}

function byDeviceKey(one: Pick<ActivityUpdate, "deviceKey">, other: Pick<ActivityUpdate, "deviceKey">): number {
  return one.deviceKey < other.deviceKey ? -1 : 1;
}

/** Ends each move, unless another one began since. Writes devices in the order of their names, against deadlocks. */
async function finishMoves(transaction: Transaction<Schema>, moves: readonly Move[], at: number): Promise<void> {
  const entries: AuditEntry[] = [];
  for (const { deviceKey, movingSince } of moves.toSorted(byDeviceKey)) {
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
  await insertAuditEvents(transaction, ...entries);
}

function parametersOf({ deviceKey, login, failure }: ActivityUpdate): (string | number | null)[] {
  const [loginAt, keyId] = [login?.at ?? null, login?.keyId ?? null];
  return [deviceKey, loginAt, keyId, failure?.at ?? null, failure?.reason ?? null];
}

/** An event more than this ahead of now came from a wrong clock, and would hide all later ones. */
const WRONG_BY_MS = 86_400_000;

function isNewer(column: string): RawBuilder<unknown> {
  const [seen, stored] = [sql.ref(`excluded.${column}`), sql.ref(`device_activity.${column}`)];
  return sql`(${seen} is not null and (${stored} is null or ${seen} > ${stored} or ${stored} - ${seen} > ${sql.lit(WRONG_BY_MS)}))`;
}

/**
 * Writes the activity of devices that were enrolled at the time; the later value of each column wins. PostgreSQL writes the rows in
 * the order of their names, so that gateways that write the same rows do not deadlock.
 */
function buildUpsert(size: number, dialect: Dialect): RawBuilder<unknown> {
  const inOrder = dialect === "postgres" ? sql`order by seen.column1` : sql``;
  const row = sql`(cast(${null} as text), cast(${null} as bigint), cast(${null} as text), cast(${null} as bigint),
    cast(${null} as text))`;
  const newerLogin = isNewer("last_login_at");
  const newerFailure = isNewer("last_failure_at");
  const later = (condition: RawBuilder<unknown>, column: string): RawBuilder<unknown> =>
    sql`${sql.ref(column)} = case when ${condition} then ${sql.ref(`excluded.${column}`)}
      else ${sql.ref(`device_activity.${column}`)} end`;
  return sql`
    insert into device_activity (device_key, last_login_at, last_key_id, last_failure_at, last_failure_reason)
    select seen.column1, seen.column2, seen.column3, seen.column4, seen.column5
    from (values ${sql.join(Array.from({ length: size }, () => row))}) as seen
    where seen.column1 <> '' and exists (
      select 1 from devices
      where devices.device_key = seen.column1 and devices.created_at <= coalesce(seen.column2, seen.column4)
    )
    ${inOrder}
    on conflict (device_key) do update set
      ${later(newerLogin, "last_login_at")},
      ${later(newerLogin, "last_key_id")},
      ${later(newerFailure, "last_failure_at")},
      ${later(newerFailure, "last_failure_reason")}`;
}
