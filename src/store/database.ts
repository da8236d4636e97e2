// A SQL database as the stores use it. Knows Kysely, and no table.

import type { Kysely, SelectQueryBuilder, Transaction } from "kysely";
import { createTurns, Overtaken, retryWhile } from "./busy.ts";
import { createOutage, type Outage, type OutageListener, type OutageOptions, storeUnavailable } from "./outage.ts";
import type { Schema } from "./schema.ts";

export type Dialect = "sqlite" | "postgres";

/** A query that answers many look-ups at once. */
export interface LookUpQuery {
  readonly name: string;
  /** The columns of `asked`; `asked.ordinal` counts the look-ups from 1. */
  readonly names: readonly string[];
  /** Builds SQL that selects `asked.ordinal` first, and reads from `asked` once. */
  readonly sql: (asked: string) => string;
}

/** Reads the rows for some names, each an array of its columns. Rejects with AuthError `unavailable`, within about a second. */
export type LookUp<Row> = (names: readonly string[]) => Promise<readonly Row[]>;

export interface Database {
  /** For queries outside of transactions. They do not wait for the transactions of `write`. */
  readonly db: Kysely<Schema>;
  readonly dialect: Dialect;
  /**
   * Retries `act` while another transaction blocks it: for some seconds, or for `longestMs` milliseconds.
   * @throws the last error
   */
  whenFree<Result>(act: () => Promise<Result>, longestMs?: number): Promise<Result>;
  /**
   * Runs one transaction, and retries it while another one blocks it: `act` must have no other effects.
   * @throws AuthError `unavailable` when the database cannot be reached, and what `act` throws
   */
  write<Result>(act: (transaction: Transaction<Schema>) => Promise<Result>): Promise<Result>;
  /** Runs queries that change nothing. @throws AuthError `unavailable` when the database cannot be reached */
  read<Result>(act: (db: Kysely<Schema>) => Promise<Result>): Promise<Result>;
  /** Prepares a look-up of logins or token checks, which reads committed rows. */
  lookUp<Row>(query: LookUpQuery): LookUp<Row>;
  /** `degraded`: writes fail. @throws AuthError `unavailable` when the database does not answer */
  ping(): Promise<"ok" | "degraded">;
  close(): Promise<void>;
}

/** The differences between databases, and the meaning of their errors. */
export interface Driver extends Pick<Database, "dialect" | "close"> {
  readonly db: Kysely<Schema>;
  readonly writer: Kysely<Schema>;
  /** Waiting for another transaction blocks this process. */
  readonly blocksOnLocks: boolean;
  /** Whether another transaction blocks this one: a retry may succeed. */
  readonly isBusy: (error: unknown) => boolean;
  /** Whether the database is away. */
  readonly isAway: (error: unknown) => boolean;
  /** As `lookUp`, but with the driver's own errors. */
  readonly lookUp: <Row>(query: LookUpQuery, outage: Outage) => LookUp<Row>;
  readonly probe: OutageOptions["probe"];
  readonly onAway?: () => void;
}

const SILENT: OutageListener = { away() {}, back() {} };

/** Builds a Database on a driver. */
export function createDatabase(driver: Driver, listener: OutageListener = SILENT): Database {
  const { db, dialect, writer, isAway, probe, onAway } = driver;
  const isBusy = (error: unknown): boolean => error instanceof Overtaken || driver.isBusy(error);
  let closing: Promise<void> | undefined;
  const outage = createOutage({ probe, listener, ...(onAway && { onAway }) });
  const inTurn = driver.blocksOnLocks ? createTurns(isBusy) : undefined;
  const whenFree: Database["whenFree"] = (act, longestMs) =>
    retryWhile(isBusy, inTurn === undefined ? act : () => inTurn(act), longestMs);

  /** Turns the cause of a failed call into its error. */
  function explain(cause: unknown, failed: (cause: unknown) => void): unknown {
    if (isBusy(cause)) return storeUnavailable("is busy", { cause });
    if (!isAway(cause)) return cause;
    failed(cause);
    return storeUnavailable("cannot be reached now");
  }

  async function read<Result>(act: () => Promise<Result>, failed = outage.readFailed): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      throw explain(error, failed);
    }
  }

  return {
    db,
    dialect,
    whenFree,
    async write<Result>(act: (transaction: Transaction<Schema>) => Promise<Result>) {
      let changed = false;
      const run = (): Promise<Result> => {
        changed = false;
        return writer.transaction().execute((transaction) =>
          act(
            transaction.withPlugin({
              transformQuery: ({ node }) => node,
              async transformResult({ result }) {
                changed ||= (result.numAffectedRows ?? 0n) > 0n;
                return result;
              },
            }),
          ),
        );
      };
      try {
        const result = await whenFree(run);
        if (changed) outage.wrote();
        return result;
      } catch (error) {
        throw explain(error, outage.writeFailed);
      }
    },
    read: (act) => read(() => act(db)),
    lookUp<Row>(query: LookUpQuery) {
      const ask = driver.lookUp<Row>(query, outage);
      return async (names) => {
        outage.check();
        return read(() => ask(names), outage.lookUpFailed);
      };
    },
    async ping() {
      await read(probe, outage.lookUpFailed);
      return outage.canWrite() ? "ok" : "degraded";
    },
    close() {
      outage.close();
      closing ??= driver.close();
      return closing;
    },
  };
}

/** Locks the rows that a query finds until this transaction ends. SQLite has one writer at a time anyway. */
export function forUpdate<Tables extends keyof Schema, Row>(
  { dialect }: Pick<Database, "dialect">,
  query: SelectQueryBuilder<Schema, Tables, Row>,
): SelectQueryBuilder<Schema, Tables, Row> {
  return dialect === "postgres" ? query.forUpdate() : query;
}
