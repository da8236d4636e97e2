// The changes of a row, as the audit log shows them.

import type { AuditEntry } from "./ports.ts";

export type Details = AuditEntry["details"];

/** Each field that is not as it was, with the value it has now. */
export function changedDetails(before: Details, after: Details): Details {
  return Object.fromEntries(Object.entries(after).filter(([field, value]) => value !== before[field]));
}

/** Whether anything changed. */
export function isChange(details: Details): boolean {
  return Object.keys(details).length > 0;
}
