// One connection to PostgreSQL that listens on a channel, and notices soon when it is cut off. Knows pg, and no table.

import { Client } from "pg";
import type { Session, SessionHearing } from "./database.ts";
import { createSocketSet, TYPES } from "./postgres-pool.ts";

/** How long anything may take on this connection, in milliseconds: what it tells has to be known within a second. */
const ANSWER_MS = 2_000;
const LEAVE_MS = 500;

/** Connects and listens; resolves once nothing that is told can be missed. `channel` is a name of our own. */
export async function openSession(url: string, channel: string, { onNotice, onEnd }: SessionHearing): Promise<Session> {
  const sockets = createSocketSet();
  const client = new Client({
    connectionString: url,
    application_name: "countersign changes",
    connectionTimeoutMillis: ANSWER_MS,
    query_timeout: ANSWER_MS,
    statement_timeout: ANSWER_MS,
    keepAlive: true,
    types: TYPES,
    stream: sockets.open,
  });
  const close = (): Promise<void> => sockets.leave(() => client.end(), LEAVE_MS);
  // Its end follows.
  client.on("error", () => {});
  client.on("notification", onNotice);
  try {
    await client.connect();
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
  } catch (error) {
    await close();
    throw error;
  }
  client.once("end", onEnd);
  return {
    async rows<Row>({ sql: text, parameters }: { readonly sql: string; readonly parameters: readonly unknown[] }) {
      const { rows } = await client.query<Row & object>({ text, values: [...parameters] });
      return rows;
    },
    close,
  };
}
