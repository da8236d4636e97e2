// A session with one server: at an address, or the master that Sentinels name. Knows ioredis, and no command of a limiter.

import { Redis } from "ioredis";
import { type ConnectionOptions, connectionOptions, INQUIRY_MS, ignore, isDemoted } from "./connection-options.ts";
import type { RedisAddress, RedisUrl } from "./redis-url.ts";
import type { Session, SessionEvents } from "./sessions.ts";

export interface RedisSession<Client> extends Session {
  readonly client: Client;
  /** Those that commands may go to; empty while they are not known. */
  masters(): readonly Redis[];
}

type SentinelUrl = Extract<RedisUrl, { kind: "sentinel" }>;

const SWITCH_CHANNEL = "+switch-master";
const RESUBSCRIBE_MS = 1_000;

export function openStandalone(
  url: Extract<RedisUrl, { kind: "standalone" }>,
  events: SessionEvents,
): RedisSession<Redis> {
  const { host, port, db } = url;
  return openServer({ ...connectionOptions(url, url.tls), host, port, db }, events);
}

export interface SentinelGuide {
  open(events: SessionEvents): RedisSession<Redis>;
  /** @param onSwitch hears where the master is now, from each Sentinel. @returns what ends it */
  watch(onSwitch: (master: RedisAddress) => void): () => void;
}

/** Sessions with the master that the Sentinels name, and what else they tell of it. */
export function followSentinels(url: SentinelUrl): SentinelGuide {
  const order = [...url.sentinels];
  const { username: sentinelUsername, password: sentinelPassword } = url.sentinelLogin;
  const options: ConnectionOptions = {
    ...connectionOptions(url, url.tls),
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(url.tls && { sentinelTLS: {}, enableTLSForSentinelMode: true }),
    name: url.master,
    db: url.db,
    sentinelCommandTimeout: INQUIRY_MS,
    sentinelRetryStrategy: () => null,
  };
  return {
    open(events) {
      const sentinels = [...order];
      // The next session asks another first: one that hangs, or knows an old master, keeps only one from the others.
      order.push(...order.splice(0, 1));
      return openServer({ ...options, sentinels }, events);
    },
    watch(onSwitch) {
      const watchers = url.sentinels.map((sentinel) =>
        watchSentinel(url, sentinel, (master) => {
          order.unshift(...order.splice(order.indexOf(sentinel), 1));
          onSwitch(master);
        }),
      );
      return () => {
        for (const watcher of watchers) watcher.disconnect();
      };
    },
  };
}

/** One connection and no more: the session ends with it, so that nothing can be sent again. */
function openServer(options: ConnectionOptions, events: SessionEvents): RedisSession<Redis> {
  let cause = new Error("Redis closed the connection");
  let wasReady = false;
  const redis = new Redis({
    ...options,
    retryStrategy: () => null,
    reconnectOnError: (error) => {
      if (isDemoted(error)) cause = error;
      return isDemoted(error);
    },
  });
  redis.on("error", (error: Error) => {
    cause = explain(error);
  });
  redis.on("ready", () => {
    // ioredis goes on in database 0 where another cannot be selected; of that it need not be asked.
    const selected = options.db ? redis.select(options.db) : Promise.resolve();
    selected.then(
      () => {
        wasReady = true;
        events.changed();
      },
      (error: Error) => {
        cause = error;
        redis.disconnect();
      },
    );
  });
  redis.on("end", () => {
    if (wasReady) events.lost(cause);
    else events.failed(cause);
    events.ended();
  });
  redis.connect().catch(ignore);
  return {
    client: redis,
    masters: () => [redis],
    state: () => (wasReady && redis.status === "ready" ? "whole" : "down"),
    close: () => redis.disconnect(),
  };
}

/**
 * Hears a Sentinel tell of another master. ioredis's own failoverDetector is not used: its connections outlive the one that
 * they are for and may end the next for good, and it reports their errors on stderr.
 */
function watchSentinel(
  url: SentinelUrl,
  { host, port }: RedisAddress,
  onSwitch: (master: RedisAddress) => void,
): Redis {
  const watcher = new Redis({
    ...connectionOptions(url.sentinelLogin, url.tls),
    host,
    port,
    enableReadyCheck: false,
    autoResubscribe: false,
    retryStrategy: () => RESUBSCRIBE_MS,
  });
  watcher.on("error", ignore);
  watcher.on("ready", () => watcher.subscribe(SWITCH_CHANNEL).catch(ignore));
  // "<master> <old host> <old port> <new host> <new port>"
  watcher.on("message", (_channel: string, message: string) => {
    const [name, , , newHost = "", newPort] = message.split(" ");
    if (name === url.master) onSwitch({ host: newHost, port: Number(newPort) });
  });
  watcher.connect().catch(ignore);
  return watcher;
}

/** What ioredis says of Sentinels, without its own options. */
function explain(error: Error): Error {
  const [, last] = /^All sentinels are unreachable.*Last error: (.*)$/s.exec(error.message) ?? [];
  return last === undefined ? error : new Error(`no Sentinel names the master, the last one asked: ${last}`);
}
