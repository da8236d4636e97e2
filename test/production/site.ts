// A whole site: PostgreSQL, Redis, gateways in processes of their own, and HAProxy with its example in front of them.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Environment } from "../../src/config.ts";
import { MAX_IMPORT_ROWS } from "../../src/core/registry/device-import.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { freePort } from "../free-port.ts";
import { ADMIN_TOKEN, openGateway, type TestGateway } from "../gateway.ts";
import { type PostgresServer, startPostgres } from "../postgres/server.ts";
import { type Balancer, startBalancer } from "../proxies/balancer.ts";
import { type RedisServer, startRedis } from "../redis/server.ts";
import { measureHeap } from "./heap.ts";

const LAUNCHER = join(import.meta.dirname, "../../bin/countersign.js");
/** Those of the launcher, which would start Node a second time to set them. */
const NODE_ARGUMENTS = ["--max-semi-space-size=8", "--expose-gc"];
const MASTER_KEY = "00".repeat(32);
/** A row of an import that leaves everything else as it is by default. */
const ROW = {
  displayName: undefined,
  keyMode: undefined,
  sharedIdentity: undefined,
  replayGuard: undefined,
  labels: undefined,
};

export interface SiteOptions {
  readonly devices: number;
  readonly settings?: Environment;
  /** The gateways' memory is to be measured. */
  readonly inspect?: boolean;
}

/** A gateway as its operator runs it: `serve` in a process, at one address for good. */
export interface SiteGateway {
  readonly url: string;
  readonly internalUrl: string;
  pid(): number;
  start(): Promise<void>;
  /** @returns the exit status; null after SIGKILL */
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
  /** Exits that nobody asked for. */
  readonly crashes: () => number;
  /** Collects garbage. @returns the memory that is left, in MiB */
  readonly measureMemory: () => Promise<number>;
  /** The last lines of the log that are no logins. */
  readonly log: () => readonly string[];
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
  const deviceKeys = await enrolAll(operator, devices);
  const gateways = [
    await createGateway({ ...shared, DATA_DIR: folder }, inspect, cleanup),
    await createGateway({ ...shared, DATA_DIR: folder }, inspect, cleanup),
  ] as const;
  await Promise.all(gateways.map((gateway) => gateway.start()));
  const [one, other] = gateways.map(({ url }) => new URL(url).host);
  const openBalancer: Site["openBalancer"] = (edit) => startBalancer("HAProxy", [one ?? "", other ?? ""], folder, edit);
  const balancer = await openBalancer((text) => text);
  cleanup.defer(() => balancer.close());
  return { balancer, openBalancer, postgres, redis, gateways, operator, deviceKeys };
}

async function enrolAll({ registry, customerId }: TestGateway, count: number): Promise<readonly string[]> {
  const deviceKeys = Array.from({ length: count }, (_, place) => `board-${place}`);
  for (let start = 0; start < count; start += MAX_IMPORT_ROWS) {
    const rows = deviceKeys
      .slice(start, start + MAX_IMPORT_ROWS)
      .map((deviceKey) => ({ ...ROW, deviceKey, customerId }));
    await registry.importDevices(rows, GATEWAY);
  }
  return deviceKeys;
}

async function createGateway(
  settings: Environment,
  inspect: boolean,
  cleanup: AsyncDisposableStack,
): Promise<SiteGateway> {
  const [port, internalPort] = [await freePort(), await freePort()];
  const environment = {
    PUBLIC_LISTEN: `127.0.0.1:${port}`,
    INTERNAL_LISTEN: `127.0.0.1:${internalPort}`,
    MASTER_KEY,
    ADMIN_TOKEN,
    ISSUER: "https://login.example",
    AUDIENCE: "devices",
    ...settings,
  };
  const named = Object.entries(environment).map(([name, value]) => [`COUNTERSIGN_${name}`, value]);
  const env = { ...process.env, ...Object.fromEntries(named) };
  let child: ChildProcess | undefined;
  let exited: Promise<unknown[]> | undefined;
  let isAsked = false;
  let crashes = 0;
  let inspector: string | undefined;
  const log: string[] = [];

  async function start(): Promise<void> {
    isAsked = false;
    const inspecting = inspect ? ["--inspect=127.0.0.1:0"] : [];
    const started = spawn(process.execPath, [...NODE_ARGUMENTS, ...inspecting, LAUNCHER, "serve", "--json"], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    createInterface(started.stderr).on("line", (line) => {
      if (line.includes('"msg":"login"')) return;
      inspector = /^Debugger listening on (\S+)$/.exec(line)?.[1] ?? inspector;
      log.push(line);
      if (log.length > 200) log.shift();
    });
    exited = once(started, "exit");
    void exited.then(() => {
      if (!isAsked) crashes++;
    });
    const first = await Promise.race([once(createInterface(started.stdout), "line"), exited.then(() => undefined)]);
    if (first === undefined) throw new Error(`a gateway did not start: ${log.slice(-5).join("\n")}`);
  }
  async function stop(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    isAsked = true;
    child?.kill(signal);
    const [status] = (await exited) ?? [null];
    return status === null ? null : Number(status);
  }
  cleanup.defer(async () => void (await stop("SIGKILL")));
  return {
    url: `http://127.0.0.1:${port}`,
    internalUrl: `http://127.0.0.1:${internalPort}`,
    pid: () => child?.pid ?? 0,
    start,
    stop,
    crashes: () => crashes,
    async measureMemory() {
      if (inspector === undefined) throw new Error("the gateway has no inspector");
      return measureHeap(inspector);
    },
    log: () => log,
  };
}
