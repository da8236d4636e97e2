// The audit log's queries.

import { type Selectable, sql, type Transaction } from "kysely";
import { unknownPageToken } from "../../core/registry/lists.ts";
import type { AuditEntry, AuditEvent, AuditLog } from "../../core/registry/ports.ts";
import type { Database } from "../database.ts";
import type { Schema } from "../schema.ts";
import { findPage, type List } from "./lists.ts";

/** Longest text of a caller; longer ones are cut. */
const MAX_CALLER_TEXT = 200;

/** Adds entries in the transaction of their changes. */
export async function insertAuditEvents(
  transaction: Transaction<Schema>,
  ...entries: readonly AuditEntry[]
): Promise<void> {
  if (entries.length > 0) await transaction.insertInto("audit_events").values(entries.map(rowOfEntry)).execute();
}

/** The audit log of one database. */
export function createAuditLog(database: Database): AuditLog {
  return {
    append: (entry) => database.write((transaction) => insertAuditEvents(transaction, entry)),

    async list(page) {
      if (!/^\d{0,15}$/.test(page.after)) throw unknownPageToken();
      const nameOf = ({ event_id }: EventRow): string => String(event_id);
      const { rows, next } = await database.read((db) => findPage<EventRow>(db, LIST, page, nameOf));
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

type EventRow = Selectable<Schema["audit_events"]>;

const LIST: List = {
  name: sql.ref("event_id"),
  first: Number.MAX_SAFE_INTEGER,
  order: "desc",
  table: sql`audit_events`,
  select: sql`*`,
  columns: (field) =>
    ({
      action: sql.ref("action"),
      resource: sql.ref("resource"),
      customer_id: sql.ref("customer_id"),
      operator: sql.ref("operator"),
      token_id: sql.ref("token_id"),
      time: sql.ref("at"),
    })[field],
  indexed: [],
};

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
    .slice(0, MAX_CALLER_TEXT)
    .toWellFormed()
    .replace(/\p{Cc}/gu, " ");
}

function eventOfRow(row: EventRow): AuditEvent {
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
