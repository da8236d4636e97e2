// Starts real Redis and Valkey: one server, Sentinels or a Cluster.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort } from "../free-port.ts";
import { adopt, isRunning } from "../program.ts";

export interface RedisServerOptions {
  readonly binary?: "redis-server" | "valkey-server";
  /** Further lines of the configuration file. */
  readonly settings?: readonly string[];
  readonly sentinel?: boolean;
  readonly password?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export type RedisServer = Awaited<ReturnType<typeof startRedis>>;

/** Starts a server in a folder of its own. Resolves once it answers; `stop` it when the test ends. */
export async function startRedis(options: RedisServerOptions = {}) {
  const { binary = "redis-server", settings = [], sentinel = false, password, env = {} } = options;
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "countersign-redis-"));
  const lines = [`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, "logfile log"];
  if (password !== undefined) lines.push(`requirepass "${password}"`);
  if (!sentinel) lines.push('save ""', "appendonly no");
  lines.push(...settings);
  let child: ChildProcess | undefined;

  /** Starts it on its port, empty. Resolves once it answers. */
  async function launch(): Promise<void> {
    // Written at each start: a Sentinel adds lines to it.
    const file = join(folder, "configuration");
    writeFileSync(file, `${lines.join("\n")}\n`);
    // A Cluster node's own state is removed too.
    rmSync(join(folder, "nodes.conf"), { force: true });
    const args = sentinel ? [file, "--sentinel"] : [file];
    const started = adopt(spawn(binary, args, { stdio: "ignore", env: { ...process.env, ...env } }));
    child = started;
    // Another server on the port could answer before this one ends.
    const answers = async (): Promise<boolean> => (await info("process_id")) === String(started.pid);
    await until(async () => !isRunning(started) || (await answers()));
    if (!isRunning(started)) throw new Error(`${binary} does not start on port ${port}`);
  }

  /** Sends a command over a separate connection. */
  async function call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    const redis = new Redis({
      port,
      password,
      host: "127.0.0.1",
      lazyConnect: true,
      enableReadyCheck: false,
      disableClientInfo: true,
      disconnectTimeout: 10,
      retryStrategy: () => null,
    });
    redis.on("error", () => {});
    try {
      await redis.connect();
      return await redis.call(command, ...args);
    } finally {
      redis.disconnect();
    }
  }

  /** The value of an INFO field. */
  async function info(field: string): Promise<string> {
    return new RegExp(`^${field}:(.*?)\r?$`, "m").exec(String(await call("INFO")))?.[1] ?? "";
  }

  /** Sends SIGKILL; resolves once it is gone. */
  async function kill(): Promise<void> {
    if (child === undefined || !isRunning(child)) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  await launch();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    call,
    info,
    kill,
    /** Sends SIGSTOP: the kernel accepts connections, and the server does not answer. */
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    /** Restarts it on its port, empty. */
    async restart(): Promise<void> {
      await kill();
      await launch();
    },
    async stop(): Promise<void> {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Polls a hundred times a second until `done` returns true, or until the test's timeout. */
export async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done().catch(() => false))) await pause(10);
}

const SYNC_AT_ONCE = "repl-diskless-sync-delay 0";
const MASTER_NAME = "limits";

/**
 * Starts a master with two replicas, and three Sentinels, which promote a replica within a second or two. A replaced master keeps its
 * role for ten seconds more. Resolves once every Sentinel knows all others.
 */
export async function startSentinel() {
  await using cleanup = new AsyncDisposableStack();
  async function start(options: RedisServerOptions): Promise<RedisServer> {
    const server = await startRedis(options);
    cleanup.defer(server.stop);
    return server;
  }
  const master = await start({ settings: [SYNC_AT_ONCE] });
  const replication = { settings: [`replicaof 127.0.0.1 ${master.port}`, SYNC_AT_ONCE] };
  const replicas = await Promise.all([start(replication), start(replication)]);
  const watch = {
    sentinel: true,
    settings: [
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 500`,
      `sentinel failover-timeout ${MASTER_NAME} 3000`,
    ],
  };
  const sentinels = await Promise.all([start(watch), start(watch), start(watch)]);
  for (const sentinel of sentinels) {
    await until(async () => /status=ok.*slaves=2,sentinels=3/.test(await sentinel.info("master0")));
  }
  const started = cleanup.move();
  return {
    master,
    replicas,
    sentinels,
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${MASTER_NAME}`,
    stop: () => started.disposeAsync(),
  };
}

const SLOTS = 16_384;
/** Slots of each master at the start. */
const SHARE = Math.ceil(SLOTS / 3);
/** Keys at a time, by default of `redis-cli --cluster reshard`. */
const PIPELINE = 10;

/**
 * Starts a Cluster of three masters, each with the replica of the same index, which fail over in a second or two. Resolves once every
 * node knows all others and their roles.
 */
export async function startCluster() {
  await using cleanup = new AsyncDisposableStack();
  async function startNode() {
    const bus = await freePort();
    const cluster = ["cluster-enabled yes", "cluster-config-file nodes.conf", `cluster-port ${bus}`];
    const failover = ["cluster-node-timeout 1000", "cluster-allow-replica-migration no", SYNC_AT_ONCE];
    const server = await startRedis({ settings: [...cluster, ...failover] });
    cleanup.defer(server.stop);
    return { ...server, bus, id: String(await server.call("CLUSTER", "MYID")) };
  }
  const masters = await Promise.all([startNode(), startNode(), startNode()]);
  const replicas = await Promise.all([startNode(), startNode(), startNode()]);
  const nodes = [...masters, ...replicas];
  const [first] = masters;

  for (const [index, { call }] of masters.entries()) {
    await call("CLUSTER", "ADDSLOTSRANGE", index * SHARE, Math.min(SLOTS, (index + 1) * SHARE) - 1);
  }
  for (const [index, { call }] of nodes.entries()) await call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
  for (const { port, bus } of nodes.slice(1)) await first.call("CLUSTER", "MEET", "127.0.0.1", port, bus);
  for (const [index, { call }] of replicas.entries()) {
    // Fails until the replica has heard of its master.
    await until(async () => (await call("CLUSTER", "REPLICATE", masters[index]?.id ?? "")) === "OK");
  }
  for (const { call } of nodes) {
    await until(async () => {
      const info = String(await call("CLUSTER", "INFO"));
      const roles = String(await call("CLUSTER", "NODES"));
      return info.includes("cluster_state:ok") && roles.match(/\bslave\b/g)?.length === replicas.length;
    });
  }
  for (const replica of replicas) await until(async () => (await replica.info("master_link_status")) === "up");

  const started = cleanup.move();
  return {
    masters,
    replicas,
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    /** Moves the slot of a hash tag to the next master, some keys at a time. Call it once. */
    async moveSlot(tag: string): Promise<void> {
      const slot = Number(await first.call("CLUSTER", "KEYSLOT", `{${tag}}`));
      const [from = first, to = first] = [...masters, first].slice(Math.floor(slot / SHARE));
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
