// A session with a Cluster: a connection to each master, which come back one by one. Knows ioredis, and no command of a
// limiter.

import { Cluster, type Redis } from "ioredis";
import { connectionOptions, INQUIRY_MS, ignore, isDemoted, RETRY_MS } from "./connection-options.ts";
import type { RedisSession } from "./connection-server.ts";
import type { RedisUrl } from "./redis-url.ts";
import type { SessionEvents } from "./sessions.ts";

/** A slot may move again while a command follows it. */
const MAX_REDIRECTIONS = 3;

export function openCluster(url: Extract<RedisUrl, { kind: "cluster" }>, events: SessionEvents): RedisSession<Cluster> {
  const cluster = new Cluster([...url.nodes], {
    redisOptions: { ...connectionOptions(url, url.tls), reconnectOnError: isDemoted },
    lazyConnect: true,
    enableOfflineQueue: false,
    // To know the slots is enough to begin: each command's answer tells what state the Cluster is in.
    enableReadyCheck: false,
    clusterRetryStrategy: () => null,
    clusterNodeRetryStrategy: () => RETRY_MS,
    // A server that redirects has executed nothing. What may have been executed is never sent again: the delays of zero
    // turn that off where a connection broke (failover) and where the Cluster is down.
    maxRedirections: MAX_REDIRECTIONS,
    retryDelayOnMoved: 0,
    retryDelayOnTryAgain: 0,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: INQUIRY_MS,
    scaleReads: "master",
    enableAutoPipelining: false,
    // Names are left to each connection: looked up together, one that does not exist stands in the way of all.
    dnsLookup: (host, callback) => callback(null, host),
  });
  return watch(cluster, events);
}

function watch(cluster: Cluster, events: SessionEvents): RedisSession<Cluster> {
  let cause = new Error("no node of the Cluster answers");
  /** The masters' addresses; undefined until a node has told them. */
  let known: string | undefined;
  const masters = (): Redis[] => (known === undefined ? [] : cluster.nodes("master"));

  cluster.on("error", ignore);
  cluster.on("node error", (error: Error, address: string) => {
    // That a connection is closed comes after what closed it.
    if (!error.message.startsWith("Connection is closed")) cause = new Error(`${address}: ${error.message}`);
  });
  // By itself ioredis connects to a node for its first command, and keeps that waiting.
  const connect = (node: Redis): void => {
    if (known !== undefined && node.options.readOnly !== true && node.status === "wait") node.connect().catch(ignore);
  };
  cluster.on("+node", (node: Redis) => {
    follow(node);
    connect(node);
  });
  // The slots are known, for the first time or anew.
  cluster.on("refresh", () => {
    const before = known;
    known = cluster.nodes("master").map(addressOf).sort().join(" ");
    for (const node of masters()) connect(node);
    if (before !== undefined && before !== known) events.lost(new Error("the Cluster has other masters"));
    events.changed();
  });
  cluster.on("end", () => {
    events.failed(cause);
    events.ended();
  });

  function follow(node: Redis): void {
    let wasReady = false;
    node.on("ready", () => {
      wasReady = true;
      events.changed();
    });
    node.on("close", () => {
      const lost = wasReady;
      wasReady = false;
      // A replica, or a node that has no slots any more.
      if (!masters().includes(node)) return;
      if (lost) events.lost(cause);
      else events.failed(cause);
      // ioredis looks for another master only when a server redirects, which one that is gone does not.
      cluster.refreshSlotsCache();
    });
  }

  cluster.connect().catch(ignore);
  return {
    client: cluster,
    masters,
    state() {
      const all = masters();
      const ready = all.filter(({ status }) => status === "ready").length;
      if (ready === 0) return "down";
      return ready === all.length ? "whole" : "part";
    },
    close: () => cluster.disconnect(),
  };
}

function addressOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`;
}
