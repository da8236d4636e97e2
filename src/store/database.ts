// A SQL database as the stores use it, whichever it is. Knows Kysely, and no table.

import type { CompiledQuery, Kysely, SelectQueryBuilder, Transaction } from "kysely";
import { AuthError } from "../core/errors.ts";
import { createTurns, retryWhile } from "./busy.ts";
import type { Schema } from "./schema.ts";

export type Dialect = "sqlite" | "postgres";

/** A connection apart from all others, that hears what the database tells. */
export interface Session {
  /** @throws what the driver threw; an answer that does not come in time is an error, too */
  rows<Row>(query: CompiledQuery<Row>): Promise<readonly Row[]>;
  close(): Promise<void>;
}

export interface SessionHearing {
  /** Something was told on the channel. */
  onNotice(): void;
  /** The connection is gone, and nothing more is heard. */
  onEnd(): void;
}

/** Opens a session that listens on a channel, whose name is our own. */
export type Listen = (channel: string, hearing: SessionHearing) => Promise<Session>;

export interface Database {
  /** For queries by themselves: none of them waits for the transactions of `write`. */
  readonly db: Kysely<Schema>;
  readonly dialect: Dialect;
  /** Undefined where a database tells nothing by itself. */
  readonly listen: Listen | undefined;
  /**
   * Does what may be done again, until no other transaction stands in its way: for some seconds, or for `longestMs` milliseconds.
   * @throws what it threw at last
   */
  whenFree<Result>(act: () => Promise<Result>, longestMs?: number): Promise<Result>;
  /** Does what may take longer than any query of a gateway's should, like changing the schema. */
  unhurried<Result>(act: (db: Kysely<Schema>) => Promise<Result>): Promise<Result>;
  /**
   * One transaction, done again where another stands in its way: `act` has to be free of other effects.
   * @throws AuthError `unavailable` when the database cannot be asked, and what `act` throws
   */
  write<Result>(act: (transaction: Transaction<Schema>) => Promise<Result>): Promise<Result>;
  /** Tells of what the transactions of this process announced, once they are committed. @returns what ends that */
  hear(listener: (subjects: readonly string[]) => void): () => void;
  /** Queries that change nothing. @throws AuthError `unavailable` when the database cannot be asked */
  read<Result>(act: (db: Kysely<Schema>) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** What a driver has to say of its errors, and what it does in its own way. */
export interface Driver extends Pick<Database, "dialect" | "listen" | "unhurried" | "close"> {
  /** Where transactions are made, if elsewhere than queries. */
  readonly writer?: Kysely<Schema>;
  /** Whoever waits for another's transaction holds up this process meanwhile. */
  readonly waitsInPlace: boolean;
  /** Another transaction stands in the way: done again, it may succeed. */
  readonly isBusy: (error: unknown) => boolean;
  /** The database cannot be asked now. */
  readonly isAway: (error: unknown) => boolean;
}

export const UNAVAILABLE_RETRY_MS = 5_000;

const announced = new WeakMap<Transaction<Schema>, string[]>();

/** Has the listeners of a Database hear of something once this transaction of its is committed. */
export function announce(transaction: Transaction<Schema>, subjects: readonly string[]): void {
  announced.set(transaction, [...(announced.get(transaction) ?? []), ...subjects]);
}

/** Builds a Database on a driver. */
export function createDatabase(db: Kysely<Schema>, driver: Driver): Database {
  const { dialect, listen, writer = db, isBusy, isAway } = driver;
  const inTurn = driver.waitsInPlace ? createTurns(isBusy) : undefined;
  const whenFree: Database["whenFree"] = (act, longestMs) =>
    retryWhile(isBusy, inTurn === undefined ? act : () => inTurn(act), longestMs);
  const listeners = new Set<(subjects: readonly string[]) => void>();

  function explain(cause: unknown): unknown {
    const why = isBusy(cause) ? "is busy" : isAway(cause) ? "cannot be asked now" : undefined;
    if (why === undefined) return cause;
    return new AuthError(
      "unavailable",
      `the registry ${why}. Try again later`,
      { retryAfterMs: UNAVAILABLE_RETRY_MS },
      { cause },
    );
  }

  return {
    db,
    dialect,
    listen,
    whenFree,
    unhurried: driver.unhurried,
    async write(act) {
      let subjects: readonly string[] = [];
      const result = await whenFree(() =>
        writer.transaction().execute(async (transaction) => {
          const answer = await act(transaction);
          subjects = announced.get(transaction) ?? [];
          return answer;
        }),
      ).catch((error: unknown) => {
        throw explain(error);
      });
      if (subjects.length > 0) for (const listener of listeners) listener(subjects);
      return result;
    },
    hear(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async read(act) {
      try {
        return await act(db);
      } catch (error) {
        throw explain(error);
      }
    },
    close: driver.close,
  };
}

/**
 * Keeps other transactions off the rows that a query finds until this one ends. SQLite has one writer at a time anyway.
 */
export function forUpdate<Tables extends keyof Schema, Row>(
  { dialect }: Pick<Database, "dialect">,
  query: SelectQueryBuilder<Schema, Tables, Row>,
): SelectQueryBuilder<Schema, Tables, Row> {
  return dialect === "postgres" ? query.forUpdate() : query;
}
