// A Redis connection that fails fast and reconnects: server, Sentinels or Cluster.

import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { Availability } from "./fallback.ts";
import type { RedisUrl } from "./redis-url.ts";

/** Certificates in PEM. */
export interface RedisTls {
  /** The authorities that are trusted in place of the system's. */
  readonly ca?: string | undefined;
  /** The gateway's certificate, for servers that require one. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface RedisConnection extends Availability {
  readonly client: Redis | Cluster;
  close(): void;
}

/** Redis answered, and would refuse this gateway at every attempt. The message has the reason and the cure. */
export class RedisSetupError extends Error {
  override readonly name = "RedisSetupError";
}

// A class of ioredis extends String: V8 then looks up string methods slowly, until it has seen many String objects.
for (let reads = 0; reads < 1_000; reads++) Object("").at;

const RETRY_MS = 50;
const CONNECT_MS = 1_000;
/** A connection that waits for an answer and receives nothing for this time is closed. */
const SILENCE_MS = 1_000;
/** Timeout of a request to a Sentinel, or for a node's list of slots. */
const INQUIRY_MS = 500;
/** Interval at which a Cluster's slots are read again: no server announces a failover. */
const REFRESH_MS = 500;
/** A server that redirects has executed nothing, and a slot may move again meanwhile. */
const MAX_REDIRECTIONS = 3;
/** Longest wait for Redis at a start. The gateway also starts without Redis. */
const START_MS = 1_000;

/**
 * Connects. Resolves once connected, after the first failure, or in a second.
 * @param elapsed milliseconds of a clock that never steps
 * @throws RedisSetupError for a wrong password, a missing permission or an untrusted certificate
 */
export async function connectRedis(url: RedisUrl, elapsed: () => number, tls: RedisTls = {}): Promise<RedisConnection> {
  const startedAt = new Map<Redis, number>();
  const listeners: Parameters<Availability["listen"]>[0][] = [];
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  let cause = new Error("Redis closed the connection");
  let mistake: string | undefined;
  const client = url.kind === "cluster" ? openCluster(url, tls) : openServer(url, tls);
  const masters = client instanceof Cluster ? () => client.nodes("master") : () => [client];

  function fail(error: Error): void {
    cause = error;
    mistake ??= explainSetupError(error, url.kind);
    // A server that wants a client certificate may reset the connection first; the next attempt shows its error.
    if (mistake !== undefined || !url.tls) settle();
  }

  /** Reads the server's uptime on each new connection: the server may have restarted. */
  async function askUptime(node: Redis): Promise<void> {
    try {
      const info = await node.info("server");
      const seconds = Number(/^uptime_in_seconds:(\d+)/m.exec(info)?.[1] ?? 0);
      // The uptime is in whole seconds and may be a second too long.
      startedAt.set(node, elapsed() - Math.max(0, seconds - 1) * 1_000);
      if (latestStart() === undefined) return;
      settle();
      for (const { ready } of listeners) ready();
    } catch (error) {
      if (error instanceof Error) fail(error);
    }
  }

  function follow(node: Redis): void {
    node.on("ready", () => void askUptime(node));
    node.on("error", fail);
    node.on("close", () => {
      // Losing a replica, a master without slots or an unopened connection does not matter.
      const wasReady = startedAt.delete(node);
      if (wasReady && masters().includes(node)) for (const { lost } of listeners) lost(cause);
    });
    // ioredis connects to a Cluster node at its first command, which would wait. Connect now.
    if (node.status === "wait") node.connect().catch(ignore);
  }

  function latestStart(): number | undefined {
    let latest: number | undefined;
    for (const master of masters()) {
      const at = startedAt.get(master);
      if (at === undefined) return undefined;
      latest = Math.max(latest ?? at, at);
    }
    return latest;
  }

  if (client instanceof Cluster) {
    client.on("+node", follow);
    client.on("node error", fail);
    client.on("error", fail);
    client.connect().catch(ignore);
  } else {
    follow(client);
  }
  const timer = setTimeout(settle, START_MS);
  await settled;
  clearTimeout(timer);
  if (mistake !== undefined && latestStart() === undefined) {
    client.disconnect();
    throw new RedisSetupError(`Redis ${mistake}`);
  }
  return {
    client,
    startedAt: latestStart,
    lastError: () => cause,
    listen: (listener) => void listeners.push(listener),
    close: () => client.disconnect(),
  };
}

type ConnectionOptions = Omit<RedisOptions, "replyMapping">;

/** No command waits in a queue, and none is sent twice. */
function connectionOptions({ tls: isTls, username, password }: RedisUrl, tls: RedisTls): ConnectionOptions {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(isTls && { tls }),
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A master that has become a replica: another connection finds the new one.
    reconnectOnError: ({ message }) => /READONLY|MASTERDOWN/.test(message),
  };
}

function openServer(url: Exclude<RedisUrl, { kind: "cluster" }>, tls: RedisTls): Redis {
  const options: ConnectionOptions = {
    ...connectionOptions(url, tls),
    db: url.db,
    enableOfflineQueue: false,
    retryStrategy: () => RETRY_MS,
  };
  if (url.kind === "standalone") return new Redis({ ...options, host: url.host, port: url.port });
  const { username, password } = url.sentinelLogin;
  return new Redis({
    ...options,
    sentinels: [...url.sentinels],
    name: url.master,
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    ...(url.tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: INQUIRY_MS,
    sentinelRetryStrategy: () => RETRY_MS,
  });
}

function openCluster(url: Extract<RedisUrl, { kind: "cluster" }>, tls: RedisTls): Cluster {
  return new Cluster([...url.nodes], {
    redisOptions: connectionOptions(url, tls),
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    clusterRetryStrategy: () => RETRY_MS,
    clusterNodeRetryStrategy: () => RETRY_MS,
    maxRedirections: MAX_REDIRECTIONS,
    retryDelayOnTryAgain: 0,
    // Lost commands are not sent again, nor those that a Cluster refused while it was down.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: INQUIRY_MS,
    slotsRefreshInterval: REFRESH_MS,
    // Each connection resolves its own host name. ioredis resolves all together, and one unknown name fails all.
    dnsLookup: (host, callback) => callback(null, host),
  });
}

/** Names the wrong setting behind an error of Redis; undefined if Redis is away or may recover. */
function explainSetupError(error: Error, kind: RedisUrl["kind"]): string | undefined {
  const text = `${"code" in error ? error.code : ""} ${error.message}`;
  if (/WRONGPASS|NOAUTH|invalid (username-)?password/.test(text)) {
    if (kind !== "sentinel") {
      return "refuses the user or the password. Write those of the Redis user into COUNTERSIGN_REDIS_URL";
    }
    return "or a Sentinel refuses the user or the password. Write those of the Redis user before the @ of COUNTERSIGN_REDIS_URL and those of the Sentinels as sentinel_username and sentinel_password";
  }
  if (/NOPERM/.test(text))
    return `lacks a permission for its user (${error.message}). docs/limits.md lists the commands`;
  if (/CERTIFICATE_REQUIRED|certificate required|HANDSHAKE_FAILURE/i.test(text)) {
    return "asks for a client certificate. Set COUNTERSIGN_REDIS_CERT and COUNTERSIGN_REDIS_KEY";
  }
  if (/ALTNAME/.test(text)) {
    return `shows the certificate of another host (${error.message}). Write the host name in the certificate into COUNTERSIGN_REDIS_URL`;
  }
  if (/certificate|_CERT_|CERT_/i.test(text)) {
    return `shows a certificate that is not trusted (${error.message}). Set COUNTERSIGN_REDIS_CA to a file with its authority`;
  }
  return undefined;
}

/** For promises whose failure ioredis also reports by an event. */
function ignore(): void {}
