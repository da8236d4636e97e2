// The audit log: changed fields, the port of the log, and how operators read it.

import { type Listing, type ListRequest, listPage } from "./pages.ts";
import type { AuditEntry, AuditEvent, PageQuery, PageResult } from "./ports.ts";

export type AuditDetails = AuditEntry["details"];

/** The resource of an entry, as in `devices/pump-7`, and its customer. */
export type AuditedResource = Pick<AuditEntry, "resource" | "customerId">;

/** The fields that differ, with their new values; undefined where none does. */
export function changedDetails(before: AuditDetails, after: AuditDetails): AuditDetails | undefined {
  const changed = Object.entries(after).filter(([field, value]) => value !== before[field]);
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

/** The port of the audit log's store. Throws AuthError `unavailable` while the database is away. */
export interface AuditLog {
  /** Adds an entry for a secret that is shown, which changes no row. */
  append(entry: AuditEntry): Promise<void>;
  /** The newest first. */
  list(page: PageQuery): Promise<PageResult<AuditEvent>>;
  /** Deletes at most `most` events older than `time`. @returns how many */
  prune(time: number, most: number): Promise<number>;
}

/** Lists events, the newest first. @throws AuthError `malformed`, or an error of the log */
export type ListAuditEvents = (request: ListRequest) => Promise<Listing<AuditEvent>>;

const FIELDS = {
  action: "text",
  resource: "text",
  customer_id: "text",
  operator: "text",
  token_id: "text",
  time: "time",
} as const;

/** `now` in unix milliseconds. */
export function createListAuditEvents(audit: Pick<AuditLog, "list">, now: () => number): ListAuditEvents {
  return (request) => listPage(FIELDS, request, audit.list, now());
}
