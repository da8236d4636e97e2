// Kinds of Redis outage, with real servers. Each ends when a server accepts writes again.

import { setTimeout as pass } from "node:timers/promises";
import { type ClusterNode, startCluster } from "../redis/cluster.ts";
import { startRelay } from "../redis/relay.ts";
import { MASTER_NAME, startSentinel } from "../redis/sentinel.ts";
import { type RedisServer, startRedis, until } from "../redis/server.ts";

export interface Fault {
  readonly redisUrl: string;
  begin(): Promise<void>;
  /** False: the outage lasts until `end` is called. True: Redis recovers by itself, or `end` runs the whole fault. */
  readonly heals: boolean;
  /** Whether Redis answers all the time. */
  readonly alwaysAnswers?: true;
  /** Resolves once Redis is back. */
  end(): Promise<void>;
  stop(): Promise<void>;
}

const MOVED_DEVICES = 6;
const FLAPS = 6;

export type FaultName = keyof typeof FAULTS;

/** Each function starts its servers, without the fault. */
export const FAULTS = {
  /** No fault: the same load for comparison. */
  calm: () => onServer(() => ({ heals: false, begin: async () => {}, end: async () => {} })),

  /** kill -9, and a server that starts empty. */
  kill: () => onServer(({ kill, restart }) => ({ heals: false, begin: kill, end: restart })),

  /** SIGSTOP: connections stay, and new ones are accepted; nothing answers. */
  pause: () =>
    onServer(({ pause, resume }) => ({ heals: false, begin: async () => pause(), end: async () => resume() })),

  /** Repeated kill -9, each followed by a restart a second later, within one window of the limit. */
  flap: () =>
    onServer((server) => ({
      heals: true,
      begin: async () => {},
      async end() {
        for (let kill = 0; kill < FLAPS; kill++) {
          await server.kill();
          await pass(1_000);
          await server.restart();
          await pass(400);
        }
      },
    })),

  /** A network that first loses every packet, then only those of old connections. */
  async swallow(): Promise<Fault> {
    const server = await startRedis();
    const relay = await startRelay(server.port);
    return {
      heals: false,
      redisUrl: `redis://127.0.0.1:${relay.port}`,
      begin: async () => relay.swallow({ new: "swallowed" }),
      end: async () => relay.swallow({ new: "works" }),
      async stop() {
        await relay.stop();
        await server.stop();
      },
    };
  },

  /** kill -9 of the master that Sentinels watch; they make a replica the master. */
  async sentinel(): Promise<Fault> {
    const { servers, sentinels, url, stop } = await startSentinel();
    const [master, ...replicas] = servers;
    // Sentinels name the new master up to a second after it accepts writes.
    const isNamed = async (replica: RedisServer): Promise<boolean> => {
      const names = await Promise.all(
        sentinels.map((sentinel) => sentinel.call("SENTINEL", "get-master-addr-by-name", MASTER_NAME)),
      );
      return names.some((name) => String(name).endsWith(`,${replica.port}`)) && isMaster(replica);
    };
    return {
      heals: true,
      redisUrl: url,
      begin: async () => void (await master?.kill()),
      end: () => until(async () => (await Promise.all(replicas.map(isNamed))).includes(true)),
      stop,
    };
  },

  /** kill -9 of one of a Cluster's masters; its replica takes its slots over. */
  async cluster(): Promise<Fault> {
    const { masters, replicas, url, stop } = await startCluster();
    const living = [masters[1], masters[2], replicas[0]];
    return {
      heals: true,
      redisUrl: url,
      begin: () => masters[0].kill(),
      end: () => until(async () => (await isMaster(replicas[0])) && (await allWhole(living))),
      stop,
    };
  },

  /** No outage: the slots of some devices move between a Cluster's masters. */
  async move(): Promise<Fault> {
    const { url, moveSlot, stop } = await startCluster();
    return {
      heals: true,
      alwaysAnswers: true,
      redisUrl: url,
      begin: async () => {},
      async end() {
        for (let device = 0; device < MOVED_DEVICES; device++) await moveSlot(`=device-${device}`);
      },
      stop,
    };
  },
};

async function onServer(act: (server: RedisServer) => Pick<Fault, "heals" | "begin" | "end">): Promise<Fault> {
  const server = await startRedis();
  return { redisUrl: server.url, stop: server.stop, ...act(server) };
}

async function isMaster(server: RedisServer): Promise<boolean> {
  return (await server.info("role")) === "master";
}

async function allWhole(nodes: readonly ClusterNode[]): Promise<boolean> {
  const states = await Promise.all(nodes.map((node) => node.call("CLUSTER", "INFO")));
  return states.every((state) => String(state).includes("cluster_state:ok"));
}
