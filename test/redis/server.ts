// Real Redis and Valkey servers for a test, on free ports of loopback, each in its own folder.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { adopt, isRunning } from "../children.ts";
import { freePort } from "../free-port.ts";

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Sends a command over a separate connection. */
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** The value of an INFO field. */
  info(field: string): Promise<string>;
  /** Sends SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  /** Sends SIGSTOP: the kernel accepts connections, and the server does not answer. */
  pause(): void;
  /** Sends SIGCONT. */
  resume(): void;
  /** Restarts it on its port, empty; resolves once it answers. */
  restart(): Promise<void>;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  readonly binary?: "redis-server" | "valkey-server";
  /** Further lines of the configuration file. */
  readonly settings?: readonly string[];
  readonly sentinel?: boolean;
  readonly password?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Resolves once it answers; `stop` it when the test ends. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const server = await tryPort(await freePort(), options);
    if (server !== undefined) return server;
  }
  throw new Error(`${options.binary ?? "redis-server"} does not start`);
}

/** Starts a server on a port; undefined if another program has taken the port. */
async function tryPort(port: number, options: RedisServerOptions): Promise<RedisServer | undefined> {
  const { binary = "redis-server", settings = [], sentinel = false, password, env = {} } = options;
  const folder = mkdtempSync(join(tmpdir(), "countersign-redis-"));
  const address = [`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, "logfile log"];
  if (password !== undefined) address.push(`requirepass "${password}"`);
  const lines = sentinel ? [...address, ...settings] : [...address, 'save ""', "appendonly no", ...settings];
  let child = launch();

  function launch(): ChildProcess {
    // Written at each start: a Sentinel adds lines to it.
    const file = join(folder, "configuration");
    writeFileSync(file, `${lines.join("\n")}\n`);
    // A Cluster node's own state is removed too.
    rmSync(join(folder, "nodes.conf"), { force: true });
    const args = sentinel ? [file, "--sentinel"] : [file];
    return adopt(spawn(binary, args, { stdio: "ignore", env: { ...process.env, ...env } }));
  }

  const call: RedisServer["call"] = (command, ...args) => ask({ port, password }, command, args);

  async function answers(): Promise<boolean> {
    while (isRunning(child)) {
      // Another server on the port could answer before this one ends.
      if ((await info("process_id").catch(() => "")) === String(child.pid)) return true;
      await pause(10);
    }
    return false;
  }

  async function info(field: string): Promise<string> {
    const text = String(await call("INFO"));
    return new RegExp(`^${field}:(.*?)\r?$`, "m").exec(text)?.[1] ?? "";
  }

  async function kill(): Promise<void> {
    if (!isRunning(child)) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async function stop(): Promise<void> {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  }

  if (!(await answers())) {
    await stop();
    return undefined;
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    call,
    info,
    kill,
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    async restart() {
      await kill();
      for (let attempt = 0; attempt < 20; attempt++) {
        child = launch();
        if (await answers()) return;
        await pause(50);
      }
      throw new Error("the server does not start again: its port was taken");
    },
    stop,
  };
}

async function ask(
  { port, password }: { port: number; password: string | undefined },
  command: string,
  args: readonly (string | number)[],
): Promise<unknown> {
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

/** Polls a hundred times a second until `done` returns true, or until the test's timeout. */
export async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done().catch(() => false))) await pause(10);
}
