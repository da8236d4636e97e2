// A connection to Redis that fails fast: never queues, never replays, always comes back; to one server, to the master that
// Sentinels name, or to a Cluster. Knows ioredis, and no command of a limiter.

import { type Cluster, type Command, Redis } from "ioredis";
import { openCluster } from "./connection-cluster.ts";
import { openSentinel, openStandalone, type RedisSession, watchSentinels } from "./connection-server.ts";
import { slotOf } from "./key-slot.ts";
import type { RedisUrl } from "./redis-url.ts";
import { keepOpen, type SessionEvents } from "./sessions.ts";

/** What commands are sent by, one at a time. Its life is the connection's. */
export type RedisClient = Omit<
  Redis,
  "connect" | "disconnect" | "duplicate" | "end" | "monitor" | "multi" | "pipeline" | "quit" | "status"
>;

export interface RedisConnection {
  /**
   * Stays the same whatever it is connected to. A command is sent at once or rejected, and once only; on a Cluster a
   * server that does not have its slot, and so has not executed it, may redirect it.
   */
  readonly client: RedisClient;
  /** On a Cluster: the slot of a key. */
  readonly slotOf: ((key: string) => number) | undefined;
  /**
   * One name for all masters, by their run_id and replication id: another one if any of them was restarted, replaced or
   * demoted meanwhile. Rejects unless all of them can be asked; takes as long as they do.
   */
  identify(): Promise<string>;
  /** Gives the present connections up, such as hang too, and makes others at once. What is under way is rejected. */
  replace(): void;
  /** Calls back when a connection to a master is lost or the masters are others; not for `replace` or `close`. */
  onLost(listener: (cause: Error) => void): void;
  close(): void;
}

export interface RedisHearing {
  /** The first failure of each outage. */
  away(cause: Error): void;
}

/** Connects; resolves once connected, after the first failure, or in a second: a gateway starts without its Redis too. */
export async function connectRedis(url: RedisUrl, hearing: RedisHearing): Promise<RedisConnection> {
  const listeners: ((cause: Error) => void)[] = [];
  const tellLost = (cause: Error): void => {
    for (const listener of listeners) listener(cause);
  };
  const sessions = keepOpen(openerFor(url), { away: (cause) => hearing.away(cause), lost: tellLost });
  const stopWatching = url.kind === "sentinel" && watchSentinels(url, leave);

  function leave(host: string, port: number): void {
    const stream = sessions.current().masters()[0]?.stream;
    // Whoever lost the old master may have found the new one before the Sentinels tell of it.
    if (stream?.remoteAddress === host && stream.remotePort === port) return;
    tellLost(new Error("the Sentinels made another server the master"));
    sessions.replace();
  }

  await sessions.started;
  return {
    client: new CommandLine(() => sessions.current().client),
    slotOf: url.kind === "cluster" ? slotOf : undefined,
    async identify() {
      const session = sessions.current();
      if (session.state() !== "whole") throw new Error("not all of Redis is connected");
      return (await Promise.all(session.masters().map(identityOf))).sort().join(" ");
    },
    replace: sessions.replace,
    onLost: (listener) => void listeners.push(listener),
    close() {
      if (stopWatching) stopWatching();
      sessions.close();
    },
  };
}

function openerFor(url: RedisUrl): (events: SessionEvents) => RedisSession<Redis | Cluster> {
  switch (url.kind) {
    case "standalone":
      return openStandalone(url);
    case "sentinel":
      return openSentinel(url);
    case "cluster":
      return openCluster(url);
  }
}

/** Hands commands to whatever is connected now; is never connected itself. */
class CommandLine extends Redis {
  readonly #client: () => Redis | Cluster;

  constructor(client: () => Redis | Cluster) {
    super({ lazyConnect: true });
    this.#client = client;
  }

  override sendCommand(command: Command): unknown {
    return this.#client().sendCommand(command);
  }
}

/** The replication id too: a master that was replaced and came back has lost data, and kept its run_id. */
async function identityOf(master: Redis): Promise<string> {
  const [server, replication] = await Promise.all([master.info("server"), master.info("replication")]);
  const runId = /^run_id:(\w+)/m.exec(server)?.[1];
  const replicationId = /^master_replid:(\w+)/m.exec(replication)?.[1];
  if (runId === undefined || replicationId === undefined) throw new Error("Redis does not tell its run_id");
  return `${runId}/${replicationId}`;
}
