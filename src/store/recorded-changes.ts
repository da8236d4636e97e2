// What every change of the registry ends with, in its own transaction: the audit log tells of it, and gateways are told to forget.

import type { Transaction } from "kysely";
import type { AuditEntry } from "../core/registry/ports.ts";
import { insertAuditEvents } from "./audit.ts";
import { noteChanges, type Subject } from "./changes.ts";
import type { Dialect } from "./database.ts";
import type { Schema } from "./schema.ts";

/** Records one change: its entry, and what it is of. */
export function recordChange(
  transaction: Transaction<Schema>,
  dialect: Dialect,
  entry: AuditEntry,
  subjects: readonly Subject[],
): Promise<void> {
  return recordChanges(transaction, dialect, { at: entry.at, entries: [entry], subjects });
}

/** As recordChange, of several at `at`, in unix milliseconds. */
export async function recordChanges(
  transaction: Transaction<Schema>,
  dialect: Dialect,
  {
    at,
    entries,
    subjects,
  }: {
    readonly at: number;
    readonly entries: readonly AuditEntry[];
    readonly subjects: readonly Subject[];
  },
): Promise<void> {
  await insertAuditEvents(transaction, entries);
  await noteChanges(transaction, dialect, subjects, at);
}
