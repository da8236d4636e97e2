// The audit log: what an entry shows of a change, how operators read it, how long it is kept.

import { type Listing, type ListRequest, listPage } from "./pages.ts";
import type { AuditEntry, AuditEvent } from "./ports.ts";
import type { AuditLog } from "./record-ports.ts";

export type Details = AuditEntry["details"];

/** Each field that changed, with its new value. */
export function changedDetails(before: Details, after: Details): Details {
  return Object.fromEntries(Object.entries(after).filter(([field, value]) => value !== before[field]));
}

export function isChange(details: Details): boolean {
  return Object.keys(details).length > 0;
}

export interface AuditTrail {
  /** The newest first. */
  list(request: ListRequest): Promise<Listing<AuditEvent>>;
  /** Deletes what is older than `keepMs`, some at a time. @returns whether there is nothing more to delete */
  prune(keepMs: number): Promise<boolean>;
}

export interface AuditTrailDependencies {
  readonly audit: AuditLog;
  readonly now: () => number;
}

/** Events of one deletion: more would hold up other writes. */
const PRUNED_AT_ONCE = 1_000;

const FIELDS = {
  action: "text",
  resource: "text",
  customer_id: "text",
  operator: "text",
  token_id: "text",
  time: "time",
} as const;

/** Builds the use-cases. Each throws AuthError: `malformed`, or what the log refuses. */
export function createAuditTrail({ audit, now }: AuditTrailDependencies): AuditTrail {
  return {
    list: (request) => listPage(FIELDS, request, (page) => audit.list(page), now()),
    async prune(keepMs) {
      return (await audit.prune(now() - keepMs, PRUNED_AT_ONCE)) < PRUNED_AT_ONCE;
    },
  };
}
