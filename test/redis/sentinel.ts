// A real master with replicas and three Sentinels, which promote a replica within a second or two. A replaced
// master keeps its role for ten seconds more.

import { type RedisServer, startRedis, until } from "./server.ts";

export const MASTER_NAME = "limits";
const REPLICAS = 2;

export interface SentinelServers {
  /** The servers; the first was the master at the start. */
  readonly servers: readonly [RedisServer, ...RedisServer[]];
  readonly sentinels: readonly RedisServer[];
  readonly url: string;
  stop(): Promise<void>;
}

/** Resolves once the replicas follow the master, and every Sentinel knows them and the other Sentinels. */
export async function startSentinel(): Promise<SentinelServers> {
  await using cleanup = new AsyncDisposableStack();
  const start: typeof startRedis = async (options) => {
    const server = await startRedis(options);
    cleanup.defer(server.stop);
    return server;
  };
  const syncAtOnce = "repl-diskless-sync-delay 0";
  const master = await start({ settings: [syncAtOnce] });
  const replication = [`replicaof 127.0.0.1 ${master.port}`, syncAtOnce];
  const followers = await Promise.all(Array.from({ length: REPLICAS }, () => start({ settings: replication })));
  const settings = [
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master.port} 2`,
    `sentinel down-after-milliseconds ${MASTER_NAME} 500`,
    `sentinel failover-timeout ${MASTER_NAME} 3000`,
  ];
  const sentinels = await Promise.all(Array.from({ length: 3 }, () => start({ settings, sentinel: true })));
  for (const sentinel of sentinels) await until(() => isInformed(sentinel));
  const started = cleanup.move();
  return {
    servers: [master, ...followers],
    sentinels,
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${MASTER_NAME}`,
    stop: () => started.disposeAsync(),
  };
}

async function isInformed(sentinel: RedisServer): Promise<boolean> {
  const text = await sentinel.info("master0");
  return text.includes("status=ok") && text.includes(`slaves=${REPLICAS}`) && text.includes("sentinels=3");
}
