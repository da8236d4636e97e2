// Classifies errors of PostgreSQL and pg: busy, away, or a bug.

/** Serialization failure, deadlock, lock not available (PostgreSQL, appendix A). */
const BUSY = ["40001", "40P01", "55P03"];

/**
 * Connection exceptions (except a protocol violation, which is a bug), refused credentials, a database that is gone, a
 * standby, a transaction that idled, resources that ran out, a statement or a session that was ended, system errors.
 */
const AWAY = /^(08(?!P01)|28|3D000|25006|25P03|25P04|53|57|58)/;

/** Error codes of Node, and of OpenSSL for a server's certificate. */
const SYSTEM = /^(E(?!RR_)[A-Z0-9_]+|ERR_TLS_.*|ERR_SSL_.*|ERR_SOCKET_.*|.*CERT.*|UNABLE_TO_.*)$/;

/** Messages of pg and Kysely that have no code. */
const MESSAGES = [
  "Connection terminated",
  "timeout exceeded when trying to connect",
  "timeout expired",
  "Query read timeout",
  "Client has encountered a connection error",
  "Client was closed",
  "Cannot use a pool after calling end on the pool",
  "driver has already been destroyed",
  "Postgres connection has been discarded",
  "The server does not support SSL connections",
  "There was an error establishing an SSL connection",
];

/** Whether another transaction blocks this one: a retry may succeed. */
export function isBusy(error: unknown): boolean {
  return BUSY.includes(codeOf(error));
}

/** Whether the database is away. Every other error is a bug of a query. */
export function isAway(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== "") return /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? AWAY.test(code) : SYSTEM.test(code);
  return error instanceof Error && MESSAGES.some((message) => error.message.startsWith(message));
}

/** Whether the answer may still arrive, and would then be read as another query's. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

/** A database that cannot be opened; `message` is one line with the cure. */
class DatabaseError extends Error {
  override readonly name = "DatabaseError";
}

/** The part of a URL that messages may show. */
export interface ConnectionTarget {
  /** Host and port. */
  readonly server: string;
  readonly database: string;
  readonly user: string;
}

/** Why a database could not be opened, in one line with its cure. */
export function explainOpening(cause: unknown, { server, database, user }: ConnectionTarget): Error {
  const code = codeOf(cause);
  const message = cause instanceof Error ? cause.message : "";
  const why = ((): string => {
    if (code.startsWith("28"))
      return `${server} refuses the user ${user} or the password. Correct the URL, or pg_hba.conf`;
    if (code === "3D000") return `${server} has no database ${database}. Create it: createdb ${database}`;
    if (code === "42501") return `the user ${user} may not use the database ${database}. Grant it: ${message}`;
    if (code === "53300") return `${server} has too many connections. Raise its max_connections`;
    if (message.startsWith("The server does not support SSL")) {
      return `${server} does not speak TLS. Turn it on there, or write sslmode=disable into the URL`;
    }
    if (/CERT|UNABLE_TO_/.test(code)) {
      return `the certificate of ${server} is not trusted (${code}). Name its authority in the URL: sslrootcert=FILE`;
    }
    if (isAway(cause)) return `no PostgreSQL answers at ${server} (${code || message}). Start it, or correct the URL`;
    return message;
  })();
  return new DatabaseError(`the database cannot be used: ${why}`, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
