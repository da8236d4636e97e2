// A connection to Redis that fails fast: never queues, never replays, always comes back; to one server, to the master that
// Sentinels name, or to a Cluster. Knows ioredis, and no command of a limiter.

import { isIP } from "node:net";
import { type Cluster, type Command, Redis } from "ioredis";
import { openCluster } from "./connection-cluster.ts";
import { followSentinels, openStandalone, type RedisSession } from "./connection-server.ts";
import { slotOf } from "./key-slot.ts";
import type { RedisAddress, RedisUrl } from "./redis-url.ts";
import { keepOpen, type SessionEvents } from "./sessions.ts";

/** What commands are sent by, one at a time. Its life is the connection's. */
export type RedisClient = Omit<
  Redis,
  "connect" | "disconnect" | "duplicate" | "end" | "monitor" | "multi" | "pipeline" | "quit" | "status"
>;

export interface RedisConnection {
  /**
   * Stays the same whatever it is connected to. A command is sent at once or rejected, and once only; on a Cluster a
   * server that does not have its slot, and so has not executed it, may redirect it, and one without a key goes anywhere.
   */
  readonly client: RedisClient;
  /** On a Cluster: the slot of a key. */
  readonly slotOf: ((key: string) => number) | undefined;
  /**
   * One name for all masters, by their run_id and replication id: another one if any of them was restarted, replaced or
   * demoted meanwhile. Rejects unless all of them can be asked, with what stands in the way; takes as long as they do.
   */
  identify(): Promise<string>;
  /** For how many seconds the master that was started last has run. Rejects as identify does. */
  uptime(): Promise<number>;
  /** Gives the present connections up, such as hang too, and makes others at once. What is under way is rejected. */
  replace(): void;
  /** Calls back when a connection to a master is lost or the masters are others; not for `replace` or `close`. */
  onLost(listener: (cause: Error) => void): void;
  close(): void;
}

export interface RedisHearing {
  /** The first failure of each outage. */
  away?(cause: Error): void;
}

/** Connects; resolves once connected, after the first failure, or in a second: a gateway starts without its Redis too. */
export async function connectRedis(url: RedisUrl, hearing: RedisHearing = {}): Promise<RedisConnection> {
  const listeners: ((cause: Error) => void)[] = [];
  const tellLost = (cause: Error): void => {
    for (const listener of listeners) listener(cause);
  };
  const route = routeTo(url);
  let obstacle = new Error("not all of Redis is connected");
  const failed = (cause: Error): void => {
    obstacle = cause;
  };
  const sessions = keepOpen(route.open, { away: (cause) => hearing.away?.(cause), failed, lost: tellLost });
  const stopWatching = route.watch?.(follow);
  let told = "";

  function follow(master: RedisAddress): void {
    const session = sessions.current();
    const connected = session.state() === "whole";
    const address = `${master.host} ${master.port}`;
    // Each Sentinel tells, some of them seconds later: whoever has found the new master stays, whoever is about to goes on.
    // Of a name it is not known whether it is the address that is connected to.
    if (connected && isIP(master.host) !== 0 ? isAt(session, master) : address === told) return;
    told = address;
    if (connected) tellLost(new Error("the Sentinels made another server the master"));
    sessions.replace();
  }

  /** All masters. @throws what stands in the way of the connection to one of them */
  function whole(): readonly Redis[] {
    const session = sessions.current();
    if (session.state() !== "whole") throw obstacle;
    return session.masters();
  }

  await sessions.started;
  return {
    client: new CommandRouter(() => sessions.current().client),
    slotOf: url.kind === "cluster" ? slotOf : undefined,
    async identify() {
      return (await Promise.all(whole().map((master) => identityOf(master, url.kind)))).sort().join(" ");
    },
    async uptime() {
      const infos = await Promise.all(whole().map((master) => master.info("server")));
      return Math.min(...infos.map((info) => Number(/^uptime_in_seconds:(\d+)/m.exec(info)?.[1] ?? 0)));
    },
    replace: sessions.replace,
    onLost: (listener) => void listeners.push(listener),
    close() {
      stopWatching?.();
      sessions.close();
    },
  };
}

/** How sessions are opened; where others say which server it is to be, how they are heard, until what is given back is called. */
interface Route {
  readonly open: (events: SessionEvents) => RedisSession<Redis | Cluster>;
  readonly watch?: (onSwitch: (master: RedisAddress) => void) => () => void;
}

function routeTo(url: RedisUrl): Route {
  switch (url.kind) {
    case "standalone":
      return { open: (events) => openStandalone(url, events) };
    case "sentinel":
      return followSentinels(url);
    case "cluster":
      return { open: (events) => openCluster(url, events) };
  }
}

function isAt({ masters }: RedisSession<unknown>, { host, port }: RedisAddress): boolean {
  const stream = masters()[0]?.stream;
  return stream?.remotePort === port && stream.remoteAddress === host;
}

/** Hands commands to whatever is connected now; is never connected itself. */
class CommandRouter extends Redis {
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
async function identityOf(master: Redis, kind: RedisUrl["kind"]): Promise<string> {
  const [server, replication] = await Promise.all([master.info("server"), master.info("replication")]);
  const mode = /^redis_mode:(\w+)/m.exec(server)?.[1];
  if (mode === "cluster" && kind !== "cluster") throw new Error("this is a node of a Cluster. Write redis+cluster://");
  if (mode === "sentinel") throw new Error("this is a Sentinel. Write redis+sentinel://host:port/master");
  const runId = /^run_id:(\w+)/m.exec(server)?.[1];
  const replicationId = /^master_replid:(\w+)/m.exec(replication)?.[1];
  if (runId === undefined || replicationId === undefined) throw new Error("Redis does not tell its run_id");
  return `${runId}/${replicationId}`;
}
