// Kinds of Redis outage, with real servers.

import { setTimeout as pass } from "node:timers/promises";
import { startRelay } from "../redis/relay.ts";
import { type RedisServer, startCluster, startRedis, startSentinel, until } from "../redis/server.ts";

const MOVED_DEVICES = 6;
const FLAPS = 6;

export type FaultName = keyof typeof FAULTS;

/** Each function starts the servers. Their fault lasts `awayMs`, unless Redis recovers by itself, and ends when it accepts writes again. */
export const FAULTS = {
  /** No fault: the same load for comparison. */
  calm: on(startRedis, (_, awayMs) => pass(awayMs)),

  /** kill -9, and a server that starts empty. */
  kill: on(startRedis, async ({ kill, restart }, awayMs) => {
    await kill();
    await pass(awayMs);
    await restart();
  }),

  /** SIGSTOP: connections stay, and new ones are accepted; nothing answers. */
  pause: on(startRedis, async ({ pause, resume }, awayMs) => {
    pause();
    await pass(awayMs);
    resume();
  }),

  /** Repeated kill -9, each followed by a restart a second later, within one window of the limit. */
  flap: on(startRedis, async ({ kill, restart }) => {
    for (let flap = 0; flap < FLAPS; flap++) {
      await kill();
      await pass(1_000);
      await restart();
      await pass(400);
    }
  }),

  /** A network that first loses every packet, then only those of old connections. */
  swallow: on(startBehindRelay, async ({ swallow }, awayMs) => {
    swallow({ newConnections: "swallowed" });
    await pass(awayMs);
    swallow({ newConnections: "works" });
  }),

  /** kill -9 of the master that Sentinels watch; they make a replica the master. */
  sentinel: on(startSentinel, async ({ master, replicas }) => {
    await master.kill();
    await until(async () => (await Promise.all(replicas.map(isMaster))).includes(true));
  }),

  /** kill -9 of one of a Cluster's masters; its replica takes its slots over. */
  cluster: on(startCluster, async ({ masters, replicas }) => {
    await masters[0].kill();
    await until(() => isMaster(replicas[0]));
  }),

  /** No outage: the slots of some devices move between a Cluster's masters. */
  move: on(startCluster, async ({ moveSlot }) => {
    for (let device = 0; device < MOVED_DEVICES; device++) await moveSlot(`=device-${device}`);
  }),
};

interface Servers {
  readonly url: string;
  stop(): Promise<void>;
}

function on<Started extends Servers>(
  start: () => Promise<Started>,
  strike: (servers: Started, awayMs: number) => Promise<unknown>,
) {
  return async (cleanup: AsyncDisposableStack) => {
    const servers = await start();
    cleanup.defer(servers.stop);
    return { redisUrl: servers.url, strike: (awayMs: number) => strike(servers, awayMs) };
  };
}

async function startBehindRelay() {
  const server = await startRedis();
  const { port, swallow, stop } = await startRelay(server.port);
  return {
    url: `redis://127.0.0.1:${port}`,
    swallow,
    async stop(): Promise<void> {
      await stop();
      await server.stop();
    },
  };
}

async function isMaster(server: RedisServer): Promise<boolean> {
  return (await server.info("role")) === "master";
}
