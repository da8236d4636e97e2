// How often each proof reached Redis: a command that is sent twice shows here. Knows MONITOR alone.

import { Redis } from "ioredis";
import type { RedisServer } from "../redis/server.ts";

export interface ProofMonitor {
  /** Watches what is there; again after a restart. */
  watch(servers: readonly RedisServer[]): Promise<void>;
  /** Proofs that were executed on any server, and those among them that were so more than once. */
  count(): { readonly executed: number; readonly repeated: number };
  stop(): void;
}

export function createProofMonitor(): ProofMonitor {
  const seen = new Map<string, number>();
  const monitors: Redis[] = [];
  const watched = new Set<number>();

  async function watchOne({ port }: RedisServer): Promise<void> {
    if (watched.has(port)) return;
    watched.add(port);
    const redis = new Redis({ port, host: "127.0.0.1", retryStrategy: () => null });
    redis.on("error", () => {});
    const monitor = await redis.monitor();
    monitor.on("error", () => {});
    monitor.on("end", () => watched.delete(port));
    monitors.push(redis, monitor);
    monitor.on("monitor", (_time: string, [command, ...args]: string[], source: string) => {
      // What a script calls is not sent by anyone.
      if (source === "lua" || !/^evalsha$|^eval$/i.test(command ?? "")) return;
      // A charge has two arguments a key beside its keys, the script, their number and two of time; a merge has four.
      const keys = Number(args[1]);
      const proof = args.slice(2, 2 + keys).find((key) => key.includes(":replay:"));
      if (proof !== undefined && args.length === 4 + 3 * keys) seen.set(proof, (seen.get(proof) ?? 0) + 1);
    });
  }

  return {
    watch: async (servers) => void (await Promise.all(servers.map(watchOne))),
    count: () => ({ executed: seen.size, repeated: [...seen.values()].filter((times) => times > 1).length }),
    stop() {
      for (const redis of monitors) redis.disconnect();
    },
  };
}
