// Real PostgreSQL servers for tests, on free ports of loopback, each in its own folder. Tests may run as root.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../free-port.ts";

export interface PostgresServer {
  /** URL for its superuser and the database `postgres`. */
  readonly url: string;
  /** Sends SIGKILL to all its processes; resolves once they are gone. */
  kill(): Promise<void>;
  /** Sends SIGSTOP to all its processes: the kernel accepts connections, and nothing answers. */
  pause(): void;
  /** Sends SIGCONT to all its processes. */
  resume(): void;
  /** Restarts it on the same port and data; resolves once it answers. */
  restart(): Promise<void>;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

export interface PostgresServerOptions {
  /** Further settings, in the form of `-c`. */
  readonly settings?: readonly string[];
  /** Files in PEM, with which the server speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Collation by language, like most servers: by default text does not sort by its bytes. */
const LOCALE = ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
const SETTINGS = ["listen_addresses=127.0.0.1", "max_connections=300", "shared_buffers=32MB", "lc_messages=C"];

const running = new Set<ChildProcess>();
const folders = new Set<string>();
// Stops the servers of a test process that dies.
process.on("exit", () => {
  for (const server of running) signalAll(server, "SIGKILL");
  for (const folder of folders) remove(folder);
});

/** Starts a server. Resolves once it answers; `stop` it when the test ends. */
export async function startPostgres({ settings = [], tls }: PostgresServerOptions = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-postgres-"));
  folders.add(folder);
  const data = join(folder, "data");
  const password = randomBytes(16).toString("hex");
  await initialise(folder, data, password);
  if (tls !== undefined) {
    give(join(data, "server.crt"), readFileSync(tls.cert));
    give(join(data, "server.key"), readFileSync(tls.key));
  }
  const all = [...SETTINGS, ...settings, ...(tls ? ["ssl=on"] : []), `unix_socket_directories=${folder}`];
  const start = (): Promise<ChildProcess | undefined> =>
    launch(["-D", data, "-p", String(port), ...all.flatMap((setting) => ["-c", setting])]);
  let port = await freePort();
  let child = await start();
  for (let attempt = 1; child === undefined && attempt < 5; attempt++) {
    port = await freePort();
    child = await start();
  }
  if (child === undefined) {
    remove(folder);
    throw new Error("postgres does not start");
  }
  let server = child;

  async function kill(): Promise<void> {
    if (!running.has(server)) return;
    const gone = once(server, "close");
    signalAll(server, "SIGKILL");
    await gone;
  }

  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    kill,
    pause: () => signalAll(server, "SIGSTOP"),
    resume: () => signalAll(server, "SIGCONT"),
    async restart() {
      await kill();
      // The server refuses to start until the last of its old processes is gone.
      for (let attempt = 0; attempt < 50; attempt++, await pause(50)) {
        const again = await start();
        if (again === undefined) continue;
        server = again;
        return;
      }
      throw new Error("the server does not start again");
    },
    async stop() {
      await kill();
      remove(folder);
    },
  };
}

async function initialise(folder: string, data: string, password: string): Promise<void> {
  const passwordFile = join(folder, "password");
  give(passwordFile, password);
  give(folder);
  const authentication = ["-A", "scram-sha-256", "-U", "postgres", `--pwfile=${passwordFile}`];
  const initdb = spawn(findProgram("initdb"), ["-D", data, "-N", "--encoding=UTF8", ...LOCALE, ...authentication], {
    stdio: ["ignore", "ignore", "pipe"],
    ...serverUser(),
  });
  let output = "";
  initdb.stderr.on("data", (chunk) => (output += chunk));
  const [code] = await once(initdb, "close");
  if (code !== 0) throw new Error(`initdb: ${output}`);
}

function remove(folder: string): void {
  // Its processes may still be writing.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  folders.delete(folder);
}

/** Writes a file, or takes an existing one, and gives it to the server's user alone. */
function give(path: string, contents?: string | Uint8Array): void {
  if (contents !== undefined) writeFileSync(path, contents, { mode: 0o600 });
  const { uid, gid } = serverUser();
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

/** Starts the server; undefined if it ended before it answered. */
async function launch(arguments_: readonly string[]): Promise<ChildProcess | undefined> {
  const child = spawn(findProgram("postgres"), arguments_, { stdio: ["ignore", "ignore", "pipe"], ...serverUser() });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const isReady = await new Promise<boolean>((resolve) => {
    let output = "";
    child.stderr.on("data", (chunk) => {
      output = (output + chunk).slice(-4_096);
      if (output.includes("database system is ready to accept connections")) resolve(true);
    });
    child.once("close", () => resolve(false));
  });
  return isReady ? child : undefined;
}

/** Sends a signal to the server and its children, which have their own process groups. */
function signalAll(child: ChildProcess, signal: NodeJS.Signals): void {
  const { pid } = child;
  if (pid === undefined) return;
  for (const target of [pid, ...childrenOf(pid)]) {
    try {
      process.kill(target, signal);
    } catch {
      // The process is gone.
    }
  }
}

/** The children of a process by Linux's /proc; elsewhere none, so that `pause` stops the main process alone. */
function childrenOf(parent: number): readonly number[] {
  return globSync("/proc/[0-9]*/stat").flatMap((file) => {
    try {
      // After the program's name, which may contain anything: its state and its parent.
      const [, parentId] = /.*\) \S (\d+) /s.exec(readFileSync(file, "utf8")) ?? [];
      return Number(parentId) === parent ? [Number(file.split("/")[2])] : [];
    } catch {
      return [];
    }
  });
}

/** Finds a program in Debian's newest folder, then in PATH, which has only the clients. @throws Error when it is missing */
export function findProgram(name: string): string {
  const [newest] = globSync("/usr/lib/postgresql/*/bin").sort((a, b) => versionOf(b) - versionOf(a));
  for (const path of newest === undefined ? [name] : [join(newest, name), name]) {
    if (spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0) return path;
  }
  throw new Error(`PostgreSQL's ${name} is not installed`);
}

function versionOf(folder: string): number {
  return Number(/postgresql\/([\d.]+)\//.exec(folder)?.[1]);
}

/** Whether there is a server to start. */
export function hasPostgres(): boolean {
  try {
    findProgram("initdb");
    return true;
  } catch {
    return false;
  }
}

/** The server's user, for `spawn`; empty: the user of the tests. */
function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    const uid = idOf("-u", name);
    const gid = idOf("-g", name);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error("there is no user postgres or nobody to run PostgreSQL as");
}

function idOf(what: "-u" | "-g", name: string): number | undefined {
  const { status, stdout } = spawnSync("id", [what, name], { encoding: "utf8" });
  return status === 0 ? Number(stdout) : undefined;
}
