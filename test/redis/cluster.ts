// A real Cluster for a test: three masters with a replica each, which fail over in a second or two; slots can be moved.

import { freePort } from "../free-port.ts";
import { type RedisServer, startRedis, until } from "./server.ts";

const SLOTS = 16_384;
/** Slots of each master at the start. */
const SHARE = Math.ceil(SLOTS / 3);
/** Keys at a time, by default of `redis-cli --cluster reshard`. */
const PIPELINE = 10;

export interface ClusterNode extends RedisServer {
  readonly id: string;
}

export interface ClusterServers {
  /** In their roles at the start. */
  readonly masters: readonly [ClusterNode, ClusterNode, ClusterNode];
  /** The replica of the master with the same index. */
  readonly replicas: readonly [ClusterNode, ClusterNode, ClusterNode];
  readonly url: string;
  /** Moves the slot of a hash tag to another master, some keys at a time. Call it once. */
  moveSlot(tag: string): Promise<void>;
  stop(): Promise<void>;
}

/** Resolves once every node knows all others and their roles. */
export async function startCluster(): Promise<ClusterServers> {
  await using cleanup = new AsyncDisposableStack();
  const nodes = await Promise.all(Array.from({ length: 6 }, () => startNode(cleanup)));
  const [a, b, c, d, e, f] = nodes;
  if (!a || !b || !c || !d || !e || !f) throw new TypeError("a node is missing");
  const masters = [a, b, c] as const;
  const replicas = [d, e, f] as const;
  await join(nodes, masters, replicas);
  const started = cleanup.move();
  return {
    masters,
    replicas,
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    async moveSlot(tag) {
      const slot = Number(await a.call("CLUSTER", "KEYSLOT", `{${tag}}`));
      const [from = a, to = a] = [...masters, ...masters].slice(Math.floor(slot / SHARE));
      await to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
      await from.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
      for (;;) {
        const keys = await from.call("CLUSTER", "GETKEYSINSLOT", slot, PIPELINE);
        if (!Array.isArray(keys) || keys.length === 0) break;
        await from.call("MIGRATE", "127.0.0.1", to.port, "", 0, 5_000, "KEYS", ...keys);
      }
      for (const node of [to, from]) await node.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
    },
    stop: () => started.disposeAsync(),
  };
}

async function startNode(cleanup: AsyncDisposableStack): Promise<ClusterNode> {
  const settings = [
    "cluster-enabled yes",
    "cluster-config-file nodes.conf",
    "cluster-node-timeout 1000",
    "cluster-allow-replica-migration no",
    "repl-diskless-sync-delay 0",
    `cluster-port ${await freePort()}`,
  ];
  const server = await startRedis({ settings });
  cleanup.defer(server.stop);
  return { ...server, id: String(await server.call("CLUSTER", "MYID")) };
}

async function join(
  nodes: readonly ClusterNode[],
  masters: readonly ClusterNode[],
  replicas: readonly ClusterNode[],
): Promise<void> {
  const [first, ...others] = nodes;
  for (const [index, master] of masters.entries()) {
    const last = Math.min(SLOTS, (index + 1) * SHARE) - 1;
    await master.call("CLUSTER", "ADDSLOTSRANGE", index * SHARE, last);
  }
  for (const [index, node] of nodes.entries()) await node.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
  for (const node of others) {
    const bus = Number(String(await node.call("CONFIG", "GET", "cluster-port")).split(",")[1]);
    await first?.call("CLUSTER", "MEET", "127.0.0.1", node.port, bus);
  }
  for (const node of nodes) await until(async () => knowsNodes(node, nodes.length));
  for (const [index, replica] of replicas.entries()) {
    await replica.call("CLUSTER", "REPLICATE", masters[index]?.id ?? "");
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
