// What gateways have to forget: noted with each change, in its transaction, and kept for a while. Knows its one table.

import { sql, type Transaction } from "kysely";
import { announce, type Database, type Dialect } from "./database.ts";
import type { Schema } from "./schema.ts";

/**
 * What a change is of: a device, a customer or its keys, a token by its jti, the key ring; `unknown`: names that were found missing;
 * `all`: too much to name.
 */
export type Subject =
  | `device ${string}`
  | `customer ${string}`
  | `token ${string}`
  | "signing-keys"
  | "unknown"
  | "all";

/** Where PostgreSQL tells that there is something to read; the table says what. */
export const CHANNEL = "countersign_changes";

/** How long changes are kept, in milliseconds: who has slept for longer has missed some. */
export const KEPT_MS = 3_600_000;

/** As many are deleted at once: whoever writes waits for no more than that. */
const PRUNED_AT_ONCE = 1_000;

/** Notes changes in the transaction that makes them, for every gateway; this process is told as soon as that is committed. */
export async function noteChanges(
  transaction: Transaction<Schema>,
  dialect: Dialect,
  subjects: readonly Subject[],
  now: number,
): Promise<void> {
  if (subjects.length === 0) return;
  announce(transaction, subjects);
  await transaction
    .insertInto("registry_changes")
    .values(subjects.map((subject) => ({ subject, changed_at: now })))
    .execute();
  if (dialect === "postgres") await sql`select pg_notify(${CHANNEL}, '')`.execute(transaction);
}

/** What another gateway's version may write and this one does not know of is everything. */
export function subjectOf(text: string): Subject {
  if (text === "unknown" || text === "signing-keys") return text;
  if (text.startsWith("device ")) return `device ${text.slice("device ".length)}`;
  if (text.startsWith("customer ")) return `customer ${text.slice("customer ".length)}`;
  if (text.startsWith("token ")) return `token ${text.slice("token ".length)}`;
  return "all";
}

/**
 * Deletes some of the changes that are older than they have to be kept, in the order they were noted. The newest stays: after
 * it, whoever reads on can tell that nothing is missing. @returns whether there may be more
 */
export function pruneChanges({ write }: Pick<Database, "write">, now: number): Promise<boolean> {
  return write(async (transaction) => {
    const { numDeletedRows } = await transaction
      .deleteFrom("registry_changes")
      .where("position", "in", (select) =>
        select
          .selectFrom("registry_changes")
          .select("position")
          .where("changed_at", "<", now - KEPT_MS)
          .where("position", "<", (query) =>
            query.selectFrom("registry_changes").select((is) => is.fn.max("position").as("newest")),
          )
          .orderBy("changed_at")
          .limit(PRUNED_AT_ONCE),
      )
      .executeTakeFirstOrThrow();
    return numDeletedRows >= BigInt(PRUNED_AT_ONCE);
  });
}
