// A whole site: PostgreSQL, Redis, two gateway processes and HAProxy.

import { once } from "node:events";
import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/config.ts";
import { freePort } from "../free-port.ts";
import { enrolMany, namedSettings, openGateway } from "../gateway.ts";
import { startPostgres } from "../postgres/server.ts";
import { launch, NODE_ARGUMENTS, type ServingProcess } from "../program.ts";
import { type Balancer, startBalancer } from "../proxies/proxy.ts";
import { startRedis } from "../redis/server.ts";

export interface SiteOptions {
  readonly devices: number;
  readonly settings?: Environment;
  /** The gateways' memory is to be measured. */
  readonly inspect?: boolean;
}

export type Site = Awaited<ReturnType<typeof startSite>>;

/** Starts a site. `cleanup` ends it. */
export async function startSite(
  { devices, settings = {}, inspect = false }: SiteOptions,
  cleanup: AsyncDisposableStack,
) {
  const { path: folder } = cleanup.use(mkdtempDisposableSync(join(tmpdir(), "countersign-site-")));
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  cleanup.defer(() => postgres.stop());
  cleanup.defer(() => redis.stop());
  const shared = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    INSTANCES: "2",
    TOKEN_ALG: "RS256",
    ADDRESS_LIMIT: "off",
    FAILURE_LIMIT: "off",
    MAX_CONNECTIONS_PER_ADDRESS: "100000",
    TRUSTED_PROXIES: "127.0.0.1",
    ...settings,
  };
  /** A gateway in this process: for what operators do. */
  const operator = await openGateway(shared);
  cleanup.defer(() => operator.close());
  const deviceKeys = Array.from({ length: devices }, (_, index) => `board-${index}`);
  await enrolMany(operator, deviceKeys);
  const open = () => createGateway({ ...shared, DATA_DIR: folder }, inspect, cleanup);
  const gateways = await Promise.all([open(), open()]);
  await Promise.all(gateways.map((gateway) => gateway.start()));
  return {
    postgres,
    redis,
    operator,
    gateways,
    deviceKeys,
    /** Starts a balancer, with a change to its configuration. */
    async openBalancer(edit: (text: string) => string): Promise<Balancer> {
      const balancer = await startBalancer("HAProxy", [gateways[0].host, gateways[1].host], folder, edit);
      cleanup.defer(balancer.close);
      return balancer;
    },
  };
}

/** A gateway process at a fixed address, started by `serve`. */
async function createGateway(settings: Environment, inspect: boolean, cleanup: AsyncDisposableStack) {
  const host = `127.0.0.1:${await freePort()}`;
  const env = namedSettings({ PUBLIC_LISTEN: host, ...settings });
  const nodeArguments = inspect ? [...NODE_ARGUMENTS, "--inspect=127.0.0.1:0"] : NODE_ARGUMENTS;
  let running: ServingProcess | undefined;
  let inspector = "";
  let crashes = 0;

  /** @returns the exit status; null after SIGKILL */
  async function stop(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    if (running?.ended() !== undefined) crashes++;
    const status = await running?.end(signal);
    running = undefined;
    return status ?? null;
  }
  cleanup.defer(async () => void (await stop("SIGKILL")));
  return {
    host,
    async start(): Promise<void> {
      // Each login has a line in the log.
      running = await launch([], { env, nodeArguments, logLength: 4_096 });
      inspector = /^Debugger listening on (\S+)$/m.exec(running.log())?.[1] ?? "";
    },
    stop,
    /** Number of unexpected exits. */
    crashes: () => crashes + (running?.ended() === undefined ? 0 : 1),
    /** Collects garbage. @returns the MiB that are left; NaN when the gateway ends meanwhile */
    measureMemory: () => measureMemory(inspector),
  };
}

/** The launcher's arguments make `gc` a function. */
const COLLECT = "gc(); gc(); (({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";

/** Asks an inspector (chromedevtools.github.io/devtools-protocol). */
async function measureMemory(url: string): Promise<number> {
  const socket = new WebSocket(url);
  const closed = once(socket, "close");
  await Promise.race([once(socket, "open"), closed]);
  socket.send(JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression: COLLECT } }));
  const [message] = await Promise.race([once(socket, "message"), closed]);
  socket.close();
  return Number(/"value":(\d+)/.exec(String(message.data))?.[1]) / 2 ** 20;
}
