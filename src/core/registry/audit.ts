// The audit log, as operators read it, and how long it is kept.

import { type Listing, type ListRequest, listPage } from "./pages.ts";
import type { AuditEvent } from "./ports.ts";
import type { AuditLog } from "./record-ports.ts";

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

/** Deleted at once: what holds up no other write for long. */
const PRUNED_AT_ONCE = 1_000;

const LIST = {
  name: "audit-events",
  fields: {
    action: "text",
    resource: "text",
    customer_id: "text",
    operator: "text",
    token_id: "text",
    time: "time",
  },
} as const;

/** Builds the use-cases. Each throws AuthError: `malformed`, or what the log refuses. */
export function createAuditTrail({ audit, now }: AuditTrailDependencies): AuditTrail {
  return {
    list: (request) => listPage({ ...LIST, now: now() }, request, (page) => audit.list(page)),
    async prune(keepMs) {
      return (await audit.prune(now() - keepMs, PRUNED_AT_ONCE)) < PRUNED_AT_ONCE;
    },
  };
}
