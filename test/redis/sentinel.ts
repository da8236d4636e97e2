// A real master with replicas and three Sentinels for a test, which make a replica the master within a second or two. A
// master that they replaced stays one for ten seconds more.

import { setTimeout as pause } from "node:timers/promises";
import { type RedisServer, startRedis, until } from "./server.ts";

export const MASTER_NAME = "limits";

export interface SentinelServers {
  /** The first of them was the master when they started. */
  readonly servers: readonly [RedisServer, ...RedisServer[]];
  readonly sentinels: readonly RedisServer[];
  readonly url: string;
  /** The master, once all Sentinels agree on it and a replica follows it. */
  master(): Promise<RedisServer>;
  stop(): Promise<void>;
}

/** Resolves once every Sentinel knows the replicas, which follow, and the other Sentinels. */
export async function startSentinel({ replicas = 2 }: { replicas?: number } = {}): Promise<SentinelServers> {
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
    const followers = await Promise.all(Array.from({ length: replicas }, () => start({ settings: replication })));
    const settings = [
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 500`,
      `sentinel failover-timeout ${MASTER_NAME} 3000`,
    ];
    const sentinels = await Promise.all(Array.from({ length: 3 }, () => start({ settings, sentinel: true })));
    const servers = [master, ...followers] as const;
    async function findMaster(): Promise<RedisServer> {
      for (;;) {
        for (const sentinel of sentinels) await until(() => isInformed(sentinel, replicas));
        const addresses = sentinels.map((sentinel) =>
          sentinel.call("SENTINEL", "get-master-addr-by-name", MASTER_NAME),
        );
        const ports = new Set((await Promise.all(addresses)).map((address) => String(address).split(",")[1]));
        const found = servers.find(({ port }) => ports.size === 1 && ports.has(String(port)));
        if (found !== undefined && Number(await found.info("connected_slaves").catch(() => 0)) > 0) return found;
        await pause(10);
      }
    }

    await until(async () => Number(await master.info("connected_slaves")) === replicas);
    await findMaster();
    return {
      servers,
      sentinels,
      url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${MASTER_NAME}`,
      master: findMaster,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function isInformed(sentinel: RedisServer, replicas: number): Promise<boolean> {
  const text = await sentinel.info("master0");
  return text.includes("status=ok") && text.includes(`slaves=${replicas}`) && text.includes("sentinels=3");
}
