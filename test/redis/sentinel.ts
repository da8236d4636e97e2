// A real master with replicas and three Sentinels for a test, which make a replica the master within a second or two. A
// master that they replaced stays one for ten seconds more.

import { type RedisServer, startRedis, until } from "./server.ts";

export const MASTER_NAME = "limits";
const REPLICAS = 2;

export interface SentinelServers {
  /** The first of them was the master when they started. */
  readonly servers: readonly [RedisServer, ...RedisServer[]];
  readonly sentinels: readonly RedisServer[];
  readonly url: string;
  stop(): Promise<void>;
}

/** Resolves once every Sentinel knows the replicas, which follow, and the other Sentinels. */
export async function startSentinel(): Promise<SentinelServers> {
  const started: RedisServer[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(started.map((server) => server.stop())));
  const start: typeof startRedis = async (options) => {
    const server = await startRedis(options);
    started.push(server);
    return server;
  };
  try {
    const soon = "repl-diskless-sync-delay 0";
    const master = await start({ settings: [soon] });
    const replication = [`replicaof 127.0.0.1 ${master.port}`, soon];
    const followers = await Promise.all(Array.from({ length: REPLICAS }, () => start({ settings: replication })));
    const settings = [
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 500`,
      `sentinel failover-timeout ${MASTER_NAME} 3000`,
    ];
    const sentinels = await Promise.all(Array.from({ length: 3 }, () => start({ settings, sentinel: true })));
    const servers = [master, ...followers] as const;
    for (const sentinel of sentinels) await until(() => isInformed(sentinel));
    return {
      servers,
      sentinels,
      url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${MASTER_NAME}`,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function isInformed(sentinel: RedisServer): Promise<boolean> {
  const text = await sentinel.info("master0");
  return text.includes("status=ok") && text.includes(`slaves=${REPLICAS}`) && text.includes("sentinels=3");
}
