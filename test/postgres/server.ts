// Starts real PostgreSQL servers for tests, on free ports of loopback.

import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../free-port.ts";
import { adopt, isRunning } from "../program.ts";

export type PostgresServer = Awaited<ReturnType<typeof startPostgres>>;

interface Options {
  /** Further settings, in the form of `-c`. */
  readonly settings?: readonly string[];
  /** Files in PEM, with which the server speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Collation by language, like most servers: by default text does not sort by its bytes. */
const LOCALE = ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
const SETTINGS = ["listen_addresses=127.0.0.1", "max_connections=300", "shared_buffers=32MB", "lc_messages=C"];

/** Starts a server. Resolves once it answers; `stop` it when the test ends. */
export async function startPostgres({ settings = [], tls }: Options = {}) {
  const folder = mkdtempSync(join(tmpdir(), "countersign-postgres-"));
  const data = join(folder, "data");
  const password = randomBytes(16).toString("hex");
  give(folder);
  give(join(folder, "password"), password);
  const access = ["-A", "scram-sha-256", "-U", "postgres", `--pwfile=${join(folder, "password")}`];
  await promisify(execFile)(findProgram("initdb"), ["-D", data, "-N", ...LOCALE, ...access], serverUser());
  if (tls !== undefined) {
    give(join(data, "server.crt"), readFileSync(tls.cert));
    give(join(data, "server.key"), readFileSync(tls.key));
  }
  const all = [...SETTINGS, ...settings, ...(tls ? ["ssl=on"] : []), `unix_socket_directories=${folder}`];
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), ...all.flatMap((setting) => ["-c", setting])];
  let server = await start();

  /** Starts the server, which refuses until the last of its old processes is gone. */
  async function start(): Promise<ChildProcess> {
    const stdio: ["ignore", "ignore", "pipe"] = ["ignore", "ignore", "pipe"];
    for (let attempt = 0; attempt < 50; attempt++, await pause(50)) {
      // PostgreSQL's other processes end with this one.
      const child = adopt(spawn(findProgram("postgres"), args, { stdio, ...serverUser() }));
      const isReady = new Promise<boolean>((resolve) => {
        child.once("close", () => resolve(false));
        createInterface(child.stderr).on("line", (line) => {
          if (line.includes("database system is ready to accept connections")) resolve(true);
        });
      });
      if (await isReady) return child;
    }
    throw new Error("postgres does not start");
  }

  /** Sends SIGKILL to all its processes; resolves once they are gone. */
  async function kill(): Promise<void> {
    if (!isRunning(server)) return;
    const gone = once(server, "close");
    signalAll(server, "SIGKILL");
    await gone;
  }

  return {
    /** For its superuser and the database `postgres`. */
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    kill,
    /** Stops all its processes: the kernel accepts connections, and nothing answers. */
    pause: () => signalAll(server, "SIGSTOP"),
    resume: () => signalAll(server, "SIGCONT"),
    /** Restarts it on the same port and data; resolves once it answers. */
    async restart(): Promise<void> {
      await kill();
      server = await start();
    },
    /** Stops it and removes its folder. */
    async stop(): Promise<void> {
      await kill();
      // Its processes may still be writing.
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
    },
  };
}

/** Writes a file, or takes an existing folder, and gives it to the server's user alone. */
function give(path: string, contents?: string | Uint8Array): void {
  if (contents !== undefined) writeFileSync(path, contents, { mode: 0o600 });
  const { uid, gid } = serverUser();
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

/** Sends a signal to the server and its children, which have their own process groups. */
function signalAll(server: ChildProcess, signal: NodeJS.Signals): void {
  // A stopped server starts no further children.
  server.kill("SIGSTOP");
  spawnSync("pkill", [`-${signal}`, "-P", String(server.pid)]);
  server.kill(signal);
}

/** Finds a program in Debian's newest folder, where the server is; else in PATH. */
export function findProgram(name: string): string {
  const byVersion = new Intl.Collator("en", { numeric: true }).compare;
  const newest = globSync("/usr/lib/postgresql/*/bin").sort(byVersion).at(-1) ?? "";
  return existsSync(join(newest, name)) ? join(newest, name) : name;
}

/** Whether there is a server to start. */
export function hasPostgres(): boolean {
  return spawnSync(findProgram("initdb"), ["--version"], { stdio: "ignore" }).status === 0;
}

/** The server's user, for `spawn`; empty: the user of the tests. PostgreSQL refuses to run as root. */
function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const [, uid, gid] = /^(?:postgres|nobody):[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8")) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
