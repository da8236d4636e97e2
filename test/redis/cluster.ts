// A real Cluster for a test: three masters with a replica each, which fail over in a second or two; slots can be moved.

import { freePort } from "../free-port.ts";
import { type RedisServer, startRedis, until } from "./server.ts";

const SLOTS = 16_384;

export interface ClusterNode extends RedisServer {
  readonly id: string;
}

export interface ClusterServers {
  /** In the roles they started in. */
  readonly masters: readonly [ClusterNode, ClusterNode, ClusterNode];
  /** The replica of the master with the same index. */
  readonly replicas: readonly [ClusterNode, ClusterNode, ClusterNode];
  readonly url: string;
  /** The node whose slot it is now, by what `asked` knows. */
  ownerOf(slot: number, asked: ClusterNode): Promise<ClusterNode>;
  /** Moves a slot, key by key, between masters. */
  moveSlot(slot: number, from: ClusterNode, to: ClusterNode): Promise<void>;
  stop(): Promise<void>;
}

/** Resolves once every node knows all others and their roles. */
export async function startCluster(): Promise<ClusterServers> {
  const started: RedisServer[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(started.map((server) => server.stop())));
  try {
    const nodes = await Promise.all(Array.from({ length: 6 }, () => startNode(started)));
    const [a, b, c, d, e, f] = nodes;
    if (!a || !b || !c || !d || !e || !f) throw new TypeError("six nodes");
    const masters = [a, b, c] as const;
    const replicas = [d, e, f] as const;
    await join(nodes, masters, replicas);

    const byId = new Map(nodes.map((node) => [node.id, node]));
    return {
      masters,
      replicas,
      url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
      async ownerOf(slot, asked) {
        const owner = byId.get(idOfOwner(slot, await asked.call("CLUSTER", "SLOTS")));
        if (owner === undefined) throw new Error("a slot that nobody has");
        return owner;
      },
      async moveSlot(slot, from, to) {
        await to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
        await from.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
        for (let keys: unknown; ; ) {
          keys = await from.call("CLUSTER", "GETKEYSINSLOT", slot, 1);
          if (!Array.isArray(keys) || keys[0] === undefined) break;
          await from.call("MIGRATE", "127.0.0.1", to.port, String(keys[0]), 0, 5_000);
        }
        for (const node of [to, from]) await node.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startNode(started: RedisServer[]): Promise<ClusterNode> {
  const settings = [
    "cluster-enabled yes",
    "cluster-config-file nodes.conf",
    "cluster-node-timeout 1000",
    "cluster-allow-replica-migration no",
    "repl-diskless-sync-delay 0",
  ];
  const server = await startRedis({ settings: [...settings, `cluster-port ${await freePort()}`] });
  started.push(server);
  return { ...server, id: String(await server.call("CLUSTER", "MYID")) };
}

async function join(
  nodes: readonly ClusterNode[],
  masters: readonly ClusterNode[],
  replicas: readonly ClusterNode[],
): Promise<void> {
  const [first, ...others] = nodes;
  const share = Math.ceil(SLOTS / masters.length);
  for (const [place, master] of masters.entries()) {
    const last = Math.min(SLOTS, (place + 1) * share) - 1;
    await master.call("CLUSTER", "ADDSLOTSRANGE", place * share, last);
  }
  for (const [place, node] of nodes.entries()) await node.call("CLUSTER", "SET-CONFIG-EPOCH", place + 1);
  for (const node of others) {
    const bus = Number(String(await node.call("CONFIG", "GET", "cluster-port")).split(",")[1]);
    await first?.call("CLUSTER", "MEET", "127.0.0.1", node.port, bus);
  }
  for (const node of nodes) await until(async () => knowsNodes(node, nodes.length));
  for (const [place, replica] of replicas.entries()) {
    await replica.call("CLUSTER", "REPLICATE", masters[place]?.id ?? "");
  }
  for (const node of nodes) {
    await until(async () => {
      const info = String(await node.call("CLUSTER", "INFO"));
      const roles = String(await node.call("CLUSTER", "NODES"));
      return info.includes("cluster_state:ok") && roles.match(/\bslave\b/g)?.length === replicas.length;
    });
  }
  for (const replica of replicas) await until(async () => (await replica.info("master_link_status")) === "up");
}

async function knowsNodes(node: ClusterNode, count: number): Promise<boolean> {
  const lines = String(await node.call("CLUSTER", "NODES"))
    .trim()
    .split("\n");
  return lines.length === count && !lines.some((line) => /handshake|noaddr/.test(line));
}

/** CLUSTER SLOTS answers ranges: first, last, then the master's and the replicas' host, port and id. */
function idOfOwner(slot: number, ranges: unknown): string {
  for (const range of Array.isArray(ranges) ? ranges : []) {
    const [first, last, [, , id]] = range;
    if (slot >= first && slot <= last) return String(id);
  }
  return "";
}
