// A whole site: PostgreSQL, Redis, gateway processes, and HAProxy with its example configuration in front of them.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/config.ts";
import { freePort } from "../free-port.ts";
import { enrolMany, namedSettings, openGateway, type TestGateway } from "../gateway.ts";
import { type PostgresServer, startPostgres } from "../postgres/server.ts";
import { launch, NODE_ARGUMENTS, type ServingProcess } from "../program.ts";
import { type Balancer, startBalancer } from "../proxies/proxy.ts";
import { type RedisServer, startRedis } from "../redis/server.ts";

export interface SiteOptions {
  readonly devices: number;
  readonly settings?: Environment;
  /** The gateways' memory is to be measured. */
  readonly inspect?: boolean;
}

/** A gateway process at a fixed address, started by `serve`. */
export interface SiteGateway {
  readonly url: string;
  start(): Promise<void>;
  /** @returns the exit status; null after SIGKILL */
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
  /** Number of unexpected exits. */
  readonly crashes: () => number;
  /** Collects garbage. @returns the memory that is left, in MiB */
  readonly measureMemory: () => Promise<number>;
}

export interface Site {
  readonly balancer: Balancer;
  /** Starts another balancer, with a change to its configuration. */
  readonly openBalancer: (edit: (text: string) => string) => Promise<Balancer>;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly gateways: readonly [SiteGateway, SiteGateway];
  /** A gateway in this process, without listeners for devices: for what operators do. */
  readonly operator: TestGateway;
  readonly deviceKeys: readonly string[];
}

/** Starts a site of two gateways. `cleanup` ends it. */
export async function startSite(
  { devices, settings = {}, inspect = false }: SiteOptions,
  cleanup: AsyncDisposableStack,
): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-site-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
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
  const operator = await openGateway(shared);
  cleanup.defer(() => operator.close());
  const deviceKeys = Array.from({ length: devices }, (_, index) => `board-${index}`);
  await enrolMany(operator, deviceKeys);
  const gateways = [
    await createGateway({ ...shared, DATA_DIR: folder }, inspect, cleanup),
    await createGateway({ ...shared, DATA_DIR: folder }, inspect, cleanup),
  ] as const;
  await Promise.all(gateways.map((gateway) => gateway.start()));
  const [one, other] = gateways.map(({ url }) => new URL(url).host);
  const openBalancer: Site["openBalancer"] = (edit) => startBalancer("HAProxy", [one ?? "", other ?? ""], folder, edit);
  // Each answer names the gateway that gave it.
  const balancer = await openBalancer((text) =>
    text.replace("default_backend", "http-after-response set-header X-Gateway %[srv_name]\n    default_backend"),
  );
  cleanup.defer(() => balancer.close());
  return { balancer, openBalancer, postgres, redis, gateways, operator, deviceKeys };
}

async function createGateway(
  settings: Environment,
  inspect: boolean,
  cleanup: AsyncDisposableStack,
): Promise<SiteGateway> {
  const port = await freePort();
  const env = namedSettings({ PUBLIC_LISTEN: `127.0.0.1:${port}`, ...settings });
  const nodeArguments = inspect ? [...NODE_ARGUMENTS, "--inspect=127.0.0.1:0"] : NODE_ARGUMENTS;
  let running: ServingProcess | undefined;
  let inspector = "";
  let crashes = 0;

  async function stop(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    if (running?.ended() !== undefined) crashes++;
    const status = await running?.end(signal);
    running = undefined;
    return status ?? null;
  }
  cleanup.defer(async () => void (await stop("SIGKILL")));
  return {
    url: `http://127.0.0.1:${port}`,
    async start() {
      // Each login has a line in the log.
      running = await launch([], { env, nodeArguments, logLength: 4_096 });
      inspector = running.log();
    },
    stop,
    crashes: () => crashes + (running?.ended() === undefined ? 0 : 1),
    measureMemory: () => measureHeap(inspector),
  };
}

/** Collects garbage in a process whose log names its inspector (chromedevtools.github.io/devtools-protocol). @returns MiB that are left; NaN when it ends meanwhile */
async function measureHeap(log: string): Promise<number> {
  const socket = new WebSocket(/^Debugger listening on (\S+)$/m.exec(log)?.[1] ?? "");
  const closed = once(socket, "close");
  await Promise.race([once(socket, "open"), closed]);
  async function call(method: string, params: object = {}): Promise<string> {
    socket.send(JSON.stringify({ id: 1, method, params }));
    const [message] = await Promise.race([once(socket, "message"), closed]);
    return String(message.data);
  }
  for (let time = 0; time < 2; time++) await call("HeapProfiler.collectGarbage");
  const expression = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
  const text = await call("Runtime.evaluate", { expression, returnByValue: true });
  socket.close();
  return Number(/"value":(\d+)/.exec(text)?.[1]) / 2 ** 20;
}
