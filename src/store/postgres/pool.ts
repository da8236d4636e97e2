// A bounded pool of connections for Kysely, with timeouts for statements. Knows pg, and no table.

import { Socket } from "node:net";
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from "kysely";
import { type CustomTypesConfig, Pool, type PoolClient, type QueryArrayConfig, type QueryConfig, types } from "pg";
import { isUnanswered } from "./errors.ts";

export interface PoolOptions {
  readonly url: string;
  readonly size: number;
  /** Longest wait for a connection to open or to become free, in milliseconds. */
  readonly connectMs: number;
  /** How long a statement may take, in milliseconds. */
  readonly statementMs: number;
  /** How long a statement may wait for a lock, in milliseconds. */
  readonly lockMs: number;
}

/** Extra wait for a statement, in milliseconds. A stopped server does not end the statement itself, so the gateway does. */
const UNANSWERED_MS = 2_000;
const IDLE_IN_TRANSACTION_MS = 30_000;
const KEEP_ALIVE_MS = 10_000;
/** How long a connection may take to close, in milliseconds. */
const LEAVE_MS = 1_000;

/**
 * A cached plan that was made while a table was small would read the whole table after an import, at each login. Every query
 * here has an index, so sequential scans are off. JIT compilation pays only for long queries.
 */
const PLANNER = "-c enable_seqscan=off -c jit=off";

interface Client extends PostgresPoolClient {
  /** Runs a query. A named one stays prepared, under the same name in every process, so that a pooler may share sessions. */
  ask<Row>(query: QueryConfig | QueryArrayConfig): Promise<PostgresQueryResult<Row>>;
}

/** A pool in the form that Kysely needs. */
interface ClientPool extends PostgresPool {
  connect(): Promise<Client>;
  end(): Promise<void>;
}

/** Creates a pool, which connects at its first use. */
export function createPool(options: PoolOptions): ClientPool {
  const { url, size, connectMs, statementMs, lockMs } = options;
  const sockets = new Set<Socket>();
  const pool = new Pool({
    connectionString: withPlanner(url),
    max: size,
    connectionTimeoutMillis: connectMs,
    application_name: "countersign",
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types: TYPES,
    stream: () => openSocket(sockets),
    statement_timeout: statementMs,
    query_timeout: statementMs + UNANSWERED_MS,
    lock_timeout: Math.min(lockMs, statementMs),
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  });
  // The pool replaces a broken idle connection. Without a listener the error would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));

  return {
    options: {},
    connect: async () => guard(await pool.connect()),
    async end() {
      // pg has no timeout for closing a connection.
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, LEAVE_MS);
      await pool.end().finally(() => clearTimeout(timer));
    },
  };
}

function openSocket(sockets: Set<Socket>): Socket {
  const socket = new Socket();
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
  return socket;
}

/** Adds the planner's options before a URL's own options, which would otherwise replace them. */
function withPlanner(url: string): string {
  const [base = "", query = ""] = url.split("?");
  const parameters = new URLSearchParams(query);
  parameters.set("options", `${PLANNER} ${parameters.get("options") ?? ""}`.trim());
  return `${base}?${parameters}`;
}

/** Wraps a client, which is not reused after an unanswered statement. */
function guard(client: PoolClient): Client {
  let unanswered = false;

  function ask<Row>(query: QueryConfig | QueryArrayConfig): Promise<PostgresQueryResult<Row>>;
  function ask(query: QueryConfig | QueryArrayConfig): Promise<unknown> {
    return client.query(query).catch((error: unknown) => {
      unanswered ||= isUnanswered(error);
      throw error;
    });
  }
  function query<Row>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>>;
  function query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
  function query(text: unknown, parameters: readonly unknown[] = []): unknown {
    if (typeof text !== "string") throw new TypeError("there are no cursors here");
    return ask({ text, values: [...parameters] });
  }

  return { ask, query, release: (destroy = false) => client.release(destroy || unanswered) };
}

/** PostgreSQL's id of int8, whose values are under 2^53 here. */
const INT8 = 20;

const getTypeParser: typeof types.getTypeParser = (id, format) =>
  Number(id) === INT8 && format !== "binary" ? Number : types.getTypeParser(id, format);

const TYPES: CustomTypesConfig = { getTypeParser };
