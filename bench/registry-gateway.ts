// A gateway for one run, as operators start it: a process of its own on a database of its own, and the commands against it. Knows
// Linux's /proc.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { startPostgres } from "../test/postgres/server.ts";

const ROOT = join(import.meta.dirname, "..");
const LAUNCHER = join(ROOT, "bin/countersign.js");

export const DATABASES = ["sqlite", "postgres"] as const;
export type DatabaseName = (typeof DATABASES)[number];

export interface RegistryGateway extends AsyncDisposable {
  readonly publicUrl: string;
  /** On the disk that the checkout is on: /tmp may be memory. */
  readonly folder: string;
  /** The demo device. */
  readonly demo: { readonly deviceKey: string; readonly customerKey: string };
  /** Runs a command to its end. @returns how long that took, in seconds. @throws Error with what it said */
  command(...words: readonly string[]): Promise<number>;
  /** Asks for a page of a list over REST. @returns the token of the next one; empty: it was the last */
  list(
    path: string,
    page: { readonly filter?: string; readonly size?: number; readonly token?: string },
  ): Promise<string>;
  /** Ends it, and starts it again on the same data; what it used before counts no more. */
  restart(): Promise<void>;
  /** The most memory that the process has had resident, in bytes. */
  maxRss(): number;
  /** The CPU that the process has used, all its threads, in microseconds. */
  cpuMicros(): number;
}

/** Starts one. Limits are off unless `settings` says otherwise: it is not they that are measured. */
export async function openRegistryGateway(
  database: DatabaseName,
  settings: Readonly<Record<string, string>> = {},
): Promise<RegistryGateway> {
  await using cleanup = new AsyncDisposableStack();
  const cache = join(ROOT, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "bench-registry-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  // PostgreSQL as it comes: what it acknowledges is on disk.
  const postgres = database === "postgres" ? await startPostgres() : undefined;
  if (postgres !== undefined) cleanup.defer(() => postgres.stop());

  const data = join(folder, "data");
  const env = environmentOf(data, { ...(postgres && { COUNTERSIGN_DATABASE_URL: postgres.url }), ...settings });
  let serving = await serve(env);
  cleanup.defer(() => serving.end());
  const demo: { device_key: string; customer_key: string } = JSON.parse(
    readFileSync(join(data, "demo-device"), "utf8"),
  );
  const adminToken = readFileSync(join(data, "admin-token"), "utf8").trim();
  const owned = cleanup.move();
  return {
    get publicUrl() {
      return serving.publicUrl;
    },
    folder,
    demo: { deviceKey: demo.device_key, customerKey: demo.customer_key },
    async command(...words) {
      const begun = performance.now();
      const child = spawn(process.execPath, [LAUNCHER, ...words], {
        env: { ...env, COUNTERSIGN_INTERNAL_URL: serving.internalUrl },
        stdio: ["ignore", "ignore", "pipe"],
      });
      const [said, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);
      if (status !== 0) throw new Error(`countersign ${words.join(" ")}: ${said}`);
      return (performance.now() - begun) / 1_000;
    },
    async list(path, { filter = "", size = 100, token = "" }) {
      const url = new URL(path, serving.internalUrl);
      const query = new URLSearchParams({ filter, page_size: String(size), page_token: token });
      url.search = query.toString();
      const answer = await fetch(url, { headers: { Authorization: `Bearer ${adminToken}` } });
      const body: { next_page_token: string } = JSON.parse(await answer.text());
      if (answer.status !== 200) throw new Error(`void: a list was answered ${answer.status}`);
      return body.next_page_token;
    },
    async restart() {
      await serving.end();
      serving = await serve(env);
    },
    maxRss: () => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${serving.pid}/status`, "utf8"))?.[1]) * 1_024,
    cpuMicros() {
      // Behind the name, which may have spaces: user and system time, in ticks of 10 ms (proc(5)).
      const [, rest = ""] = readFileSync(`/proc/${serving.pid}/stat`, "utf8").split(") ");
      const fields = rest.split(" ");
      return (Number(fields[11]) + Number(fields[12])) * 10_000;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function environmentOf(dataDir: string, settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN_"));
  return {
    ...Object.fromEntries(clean),
    COUNTERSIGN_DATA_DIR: dataDir,
    COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0",
    COUNTERSIGN_INTERNAL_LISTEN: "127.0.0.1:0",
    COUNTERSIGN_LOGIN_LIMIT: "off",
    COUNTERSIGN_ADDRESS_LIMIT: "off",
    COUNTERSIGN_LOG_LEVEL: "error",
    ...settings,
  };
}

interface Serving {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly pid: number;
  end(): Promise<void>;
}

async function serve(env: NodeJS.ProcessEnv): Promise<Serving> {
  // Writing the log would be measured too.
  const child = spawn(process.execPath, [LAUNCHER, "serve", "--dev", "--json"], {
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { stdout, pid } = child;
  if (stdout === null || pid === undefined) throw new TypeError("a gateway does not start");
  const exited = once(child, "exit");
  const line = await Promise.race([once(createInterface(stdout), "line"), exited.then(() => undefined)]);
  if (line === undefined) throw new Error("a gateway ended instead of starting");
  const { public: publicUrl, internal: internalUrl } = JSON.parse(String(line[0]));
  return {
    publicUrl,
    internalUrl,
    pid,
    async end() {
      if (child.kill("SIGTERM")) await exited;
    },
  };
}
