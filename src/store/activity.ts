// The queries of what was last seen of devices. Knows the schema.

import { type ExpressionBuilder, sql } from "kysely";
import type { ActivityStore } from "../core/registry/ports.ts";
import type { Database } from "./database.ts";
import type { Schema } from "./schema.ts";

/** The activity kept in one database. */
export function createActivityStore({ write }: Database): ActivityStore {
  return {
    async record(sightings) {
      if (sightings.length === 0) return;
      await write(async (transaction) => {
        // Several gateways write the same rows: in one order, so that none waits for another that waits for it.
        const known = await transaction
          .selectFrom("devices")
          .where("device_key", "in", sightings.map(({ deviceKey }) => deviceKey).sort())
          .where("device_key", "<>", "")
          .select("device_key")
          .orderBy("device_key")
          .execute();
        const seen = new Map(sightings.map((sighting) => [sighting.deviceKey, sighting]));
        const rows = known.flatMap(({ device_key }) => {
          const sighting = seen.get(device_key);
          if (sighting === undefined) return [];
          const { login, failure } = sighting;
          return {
            device_key,
            last_login_at: login?.at ?? null,
            last_key_id: login?.keyId ?? null,
            key_since: login?.at ?? null,
            last_failure_at: failure?.at ?? null,
            last_failure_reason: failure?.reason ?? null,
          };
        });
        if (rows.length === 0) return;
        await transaction
          .insertInto("device_activity")
          .values(rows)
          .onConflict((conflict) =>
            conflict.column("device_key").doUpdateSet((eb) => ({
              last_login_at: later(eb, "last_login_at", "last_login_at"),
              last_key_id: later(eb, "last_login_at", "last_key_id"),
              key_since: sql<number | null>`case
                when excluded.last_key_id = device_activity.last_key_id then device_activity.key_since
                else ${later(eb, "last_login_at", "key_since")} end`,
              last_failure_at: later(eb, "last_failure_at", "last_failure_at"),
              last_failure_reason: later(eb, "last_failure_at", "last_failure_reason"),
            })),
          )
          .execute();
      });
    },
  };
}

type Activity = Schema["device_activity"];
type Upsert = ExpressionBuilder<{ device_activity: Activity; excluded: Activity }, "device_activity" | "excluded">;

/** A column's new value where that of `time` is later than what is there, else what is there. */
function later<Column extends keyof Activity>(eb: Upsert, time: "last_login_at" | "last_failure_at", column: Column) {
  return eb
    .case()
    .when(eb.ref(`excluded.${time}`), ">", eb.fn.coalesce(eb.ref(`device_activity.${time}`), eb.val(-1)))
    .then(eb.ref(`excluded.${column}`))
    .else(eb.ref(`device_activity.${column}`))
    .end();
}
