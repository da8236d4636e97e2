// The audit log's queries. Knows the schema.

import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import type { Condition } from "../core/registry/filter.ts";
import type { AuditEntry, AuditEvent } from "../core/registry/ports.ts";
import type { AuditLog } from "../core/registry/record-ports.ts";
import { strangePageToken } from "../core/registry/refusals.ts";
import type { Database } from "./database.ts";
import { type Columns, findPage, holds } from "./lists.ts";
import type { Schema } from "./schema.ts";

/** What a caller says of itself is kept up to so many characters. */
const LONGEST_SAYING = 200;
/** Gateways' clocks are not further apart than this, in milliseconds: events are in the order of their ids, and nearly of time. */
const CLOCKS_APART = 3_600_000;

/** Adds an entry in the transaction of the change that it tells of. */
export function insertAuditEvent(transaction: Transaction<Schema>, entry: AuditEntry): Promise<void> {
  return insertAuditEvents(transaction, [entry]);
}

/** As insertAuditEvent, of several changes. */
export async function insertAuditEvents(
  transaction: Transaction<Schema>,
  entries: readonly AuditEntry[],
): Promise<void> {
  if (entries.length > 0) await transaction.insertInto("audit_events").values(entries.map(rowOfEntry)).execute();
}

/** The audit log of one database. */
export function createAuditLog(database: Database): AuditLog {
  return {
    append: (entry) => database.write((transaction) => insertAuditEvent(transaction, entry)),

    async list({ after, size, conditions }) {
      const { rows, next } = await database.read(async (db) => {
        const { above, below } = await rangeOf(db, conditions);
        const before = Math.min(below, after === "" ? Number.POSITIVE_INFINITY : readEventId(after));
        // One bound each way: of two, SQLite goes by the first, and looks through all that is beyond the other.
        const between = (least: number) =>
          db
            .selectFrom("audit_events")
            .where("event_id", ">", least)
            .$if(before !== Number.POSITIVE_INFINITY, (query) => query.where("event_id", "<", before))
            .orderBy("event_id", "desc");
        return findPage(
          {
            names: async (skipped) => {
              const named = await between(above).select("event_id").limit(2).offset(skipped).execute();
              return named.map(({ event_id }) => String(event_id));
            },
            rows: (last, most) =>
              between(last === undefined ? above : Number(last) - 1)
                .where(holds(conditions, COLUMNS))
                .selectAll()
                .limit(most)
                .execute(),
            nameOf: ({ event_id }) => String(event_id),
          },
          size,
          conditions.length > 0,
        );
      });
      return { items: rows.map(eventOfRow), next };
    },

    prune(time, most) {
      return database.write(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom("audit_events")
          .where("event_id", "in", (select) =>
            select.selectFrom("audit_events").where("at", "<", time).orderBy("at").limit(most).select("event_id"),
          )
          .executeTakeFirstOrThrow();
        return Number(numDeletedRows);
      });
    },
  };
}

/**
 * The ids that events of the times asked for can have, both exclusive, so that a list that begins or ends long ago does not
 * look through what is outside.
 */
async function rangeOf(
  db: Kysely<Schema>,
  conditions: readonly Condition[],
): Promise<{ readonly above: number; readonly below: number }> {
  let above = 0;
  let below = Number.POSITIVE_INFINITY;
  for (const { field, operator, value } of conditions) {
    if (field !== "time" || typeof value !== "number") continue;
    if (operator === "=" || operator.startsWith(">")) {
      const edge = db.selectFrom("audit_events").where("at", "<", value - CLOCKS_APART);
      const last = await edge.orderBy("at", "desc").select("event_id").limit(1).executeTakeFirst();
      above = Math.max(above, last?.event_id ?? 0);
    }
    if (operator === "=" || operator.startsWith("<")) {
      const edge = db.selectFrom("audit_events").where("at", ">", value + CLOCKS_APART);
      const first = await edge.orderBy("at").select("event_id").limit(1).executeTakeFirst();
      below = Math.min(below, first?.event_id ?? Number.POSITIVE_INFINITY);
    }
  }
  return { above, below };
}

const COLUMNS: Columns = (field) =>
  ({
    action: sql.ref("action"),
    resource: sql.ref("resource"),
    customer_id: sql.ref("customer_id"),
    operator: sql.ref("operator"),
    token_id: sql.ref("token_id"),
    time: sql.ref("at"),
  })[field];

function readEventId(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw strangePageToken();
}

function rowOfEntry({ actor, at, action, resource, customerId, details }: AuditEntry) {
  return {
    at,
    token_id: actor.tokenId,
    operator: bounded(actor.operator),
    address: bounded(actor.address),
    request_id: bounded(actor.requestId),
    action,
    resource,
    customer_id: customerId,
    details: JSON.stringify(details),
  };
}

function bounded(text: string): string {
  return text
    .slice(0, LONGEST_SAYING)
    .toWellFormed()
    .replace(/\p{Cc}/gu, " ");
}

function eventOfRow(row: Selectable<Schema["audit_events"]>): AuditEvent {
  const details: AuditEntry["details"] = JSON.parse(row.details);
  return {
    eventId: String(row.event_id),
    actor: { tokenId: row.token_id, operator: row.operator, address: row.address, requestId: row.request_id },
    at: row.at,
    action: row.action,
    resource: row.resource,
    customerId: row.customer_id,
    details,
  };
}
