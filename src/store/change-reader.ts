// Reads the changes that were committed since it last looked, whichever way a database tells of them. Knows one table.

import { type RawBuilder, sql } from "kysely";
import { CHANNEL, KEPT_MS, type Subject, subjectOf } from "./changes.ts";
import type { Database } from "./database.ts";

/** Reads on from where it was opened. */
export interface ChangeReader {
  /** Tells of what was committed since, in pages, each change once. @throws what the driver threw */
  look(hearing: ReaderHearing): Promise<void>;
  close(): Promise<void>;
}

export interface ReaderHearing {
  onChange(subjects: readonly Subject[]): void;
  /** Changes were deleted before they were read here. */
  onGap(): void;
}

export interface ReaderOptions {
  /** It is worth a look. */
  readonly onNotice: () => void;
}

const PAGE = 1_000;

/** Opens the reader that fits a database; resolves once nothing can be missed. @throws what the driver threw */
export function openChangeReader(database: Database, options: ReaderOptions): Promise<ChangeReader> {
  const { listen } = database;
  return listen === undefined ? openCounting(database) : openListening({ ...database, listen }, options);
}

/**
 * SQLite's: there is one writer at a time, so changes are numbered in the order of their commits, without a hole. Its counter
 * of other connections' commits costs less than a query, and most of the time that is all.
 */
async function openCounting({ db }: Database): Promise<ChangeReader> {
  async function version(): Promise<number | undefined> {
    const { rows } = await sql<{ data_version: number }>`pragma data_version`.execute(db);
    return rows[0]?.data_version;
  }
  async function newest(): Promise<number> {
    const row = await db
      .selectFrom("registry_changes")
      .select((is) => is.fn.max("position").as("newest"))
      .executeTakeFirst();
    return row?.newest ?? 0;
  }

  // In this order: what is committed between the two is read twice rather than never.
  let seen = await version();
  let last = await newest();

  /** @returns whether there may be more */
  async function readPage({ onChange, onGap }: ReaderHearing): Promise<boolean> {
    const rows = await db
      .selectFrom("registry_changes")
      .select(["position", "subject"])
      .where("position", ">=", last)
      .orderBy("position")
      .limit(PAGE)
      .execute();
    // The last one that was read is still there, or nobody has noted any yet: else some are gone, or a backup was put back.
    const isWhole = last > 0 ? rows[0]?.position === last : (rows[0]?.position ?? 1) === 1;
    if (!isWhole) onGap();
    const fresh = rows.filter(({ position }) => position > last);
    last = rows.at(-1)?.position ?? (await newest());
    if (fresh.length > 0) onChange(fresh.map(({ subject }) => subjectOf(subject)));
    return rows.length === PAGE;
  }

  return {
    async look(hearing) {
      const current = await version();
      if (current === seen) return;
      while (await readPage(hearing));
      seen = current;
    },
    close: async () => {},
  };
}

interface Look {
  /** All that was committed before this look, as PostgreSQL writes it. */
  readonly snapshot: string;
  /** By the database's clock, in unix milliseconds. */
  readonly at: number;
}

/**
 * PostgreSQL's: rows that are visible now and were not at the last look, however late they were committed and whatever number
 * they were given. What it tells on the channel is no more than a reason to look.
 */
async function openListening(
  { db, listen }: Pick<Database, "db"> & { readonly listen: NonNullable<Database["listen"]> },
  { onNotice }: ReaderOptions,
): Promise<ChangeReader> {
  const session = await listen(CHANNEL, { onNotice, onEnd: onNotice });

  async function here(): Promise<Look> {
    const query = sql<Look>`select pg_current_snapshot()::text as snapshot,
      (extract(epoch from clock_timestamp()) * 1000)::bigint as at`;
    const [row] = await session.rows(query.compile(db));
    if (row === undefined) throw new Error("PostgreSQL answered a select with no row");
    return row;
  }

  let last: Look;
  try {
    last = await here();
  } catch (error) {
    await session.close();
    throw error;
  }

  return {
    async look({ onChange, onGap }) {
      const current = await here();
      if (current.at - last.at >= KEPT_MS / 2) onGap();
      if (current.snapshot !== last.snapshot) {
        let after: Place = { transaction_id: "0", position: 0 };
        for (;;) {
          const rows = await session.rows(between(last.snapshot, current.snapshot, after).compile(db));
          if (rows.length > 0) onChange(rows.map(({ subject }) => subjectOf(subject)));
          if (rows.length < PAGE) break;
          after = rows.at(-1) ?? after;
        }
      }
      last = current;
    },
    close: session.close,
  };
}

interface Place {
  readonly transaction_id: string;
  readonly position: number;
}

/** A page of what one snapshot has and an earlier one had not. */
function between(earlier: string, later: string, after: Place): RawBuilder<Place & { readonly subject: string }> {
  return sql`
    select transaction_id::text as transaction_id, position, subject
    from registry_changes
    where transaction_id >= pg_snapshot_xmin(${earlier}::pg_snapshot)
      and (transaction_id, position) > (${after.transaction_id}::xid8, ${after.position}::bigint)
      and not pg_visible_in_snapshot(transaction_id, ${earlier}::pg_snapshot)
      and pg_visible_in_snapshot(transaction_id, ${later}::pg_snapshot)
    order by transaction_id, position
    limit ${PAGE}`;
}
