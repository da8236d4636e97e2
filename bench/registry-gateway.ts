// Starts a gateway on its own database, and runs commands against it. Reads Linux's /proc.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { startPostgres } from "../test/postgres/server.ts";
import { run, serve } from "../test/program.ts";
import type { DatabaseName } from "./peer.ts";

const CACHE = join(import.meta.dirname, "../node_modules/.cache");

/** A folder on the disk that the checkout is on: /tmp may be memory. */
function createFolder(cleanup: AsyncDisposableStack): string {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, "bench-registry-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Builds the package as npm has it: in a checkout, Node's type stripper takes memory too. @returns its launcher */
export function buildPackage(cleanup: AsyncDisposableStack): string {
  const folder = createFolder(cleanup);
  const { files }: { files: readonly string[] } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const file of [...files, "package.json"]) {
    if (file !== "dist") cpSync(file, join(folder, file), { recursive: true });
  }
  execFileSync("tsc", ["-p", "tsconfig.build.json", "--outDir", join(folder, "dist")]);
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  return join(folder, "bin/countersign.js");
}

export interface RegistryGateway {
  readonly publicUrl: string;
  readonly folder: string;
  /** The demo device. */
  readonly demo: { readonly deviceKey: string; readonly customerKey: string };
  /** Runs a command to its end. @returns its time in seconds. @throws Error with what it printed */
  command(...words: readonly string[]): Promise<number>;
  /** Asks for a page of a list over REST. @returns the next page's token, empty after the last page */
  list(path: string, filter: string, size: number, token?: string): Promise<string>;
  /** The most memory that the process has had resident, in bytes. */
  maxRss(): number;
  /** The CPU that the process has used, all its threads, in microseconds. */
  cpuMicros(): number;
}

/** Starts a gateway on SQLite, or on PostgreSQL with its default configuration; `cleanup` ends it. No device reaches its limit. */
export async function openRegistryGateway(
  database: DatabaseName,
  launcher: string,
  redisUrl: string,
  cleanup: AsyncDisposableStack,
): Promise<RegistryGateway> {
  const folder = createFolder(cleanup);
  const postgres = database === "postgres" ? await startPostgres() : undefined;
  if (postgres !== undefined) cleanup.defer(() => postgres.stop());
  const data = join(folder, "data");
  const env = {
    COUNTERSIGN_DATA_DIR: data,
    COUNTERSIGN_REDIS_URL: redisUrl,
    COUNTERSIGN_LOGIN_LIMIT: "3000/60s",
    COUNTERSIGN_LOG_LEVEL: "error",
    COUNTERSIGN_TOKEN_ALG: "",
    ...(postgres && { COUNTERSIGN_DATABASE_URL: postgres.url }),
  };
  const atEnd = (end: () => Promise<void>): void => cleanup.defer(end);
  const { publicUrl, internalUrl, pid } = await serve(data, { env, nodeArguments: [], launcher }, [], atEnd);
  const read = (name: string): string => readFileSync(join(data, name), "utf8").trim();
  const demo: { device_key: string; customer_key: string } = JSON.parse(read("demo-device"));
  const adminToken = read("admin-token");
  return {
    publicUrl,
    folder,
    demo: { deviceKey: demo.device_key, customerKey: demo.customer_key },
    async command(...words) {
      const begun = performance.now();
      const { status, stderr } = await run(words, { launcher, env: { ...env, COUNTERSIGN_INTERNAL_URL: internalUrl } });
      if (status !== 0) throw new Error(`countersign ${words.join(" ")}: ${stderr}`);
      return (performance.now() - begun) / 1_000;
    },
    async list(path, filter, size, token = "") {
      const query = new URLSearchParams({ filter, page_size: String(size), page_token: token });
      const answer = await fetch(new URL(`${path}?${query}`, internalUrl), {
        headers: { Authorization: `Bearer ${adminToken}` },
      });
      const body: { next_page_token: string } = JSON.parse(await answer.text());
      if (answer.status !== 200) throw new Error(`void: a list was answered ${answer.status}`);
      return body.next_page_token;
    },
    maxRss: () => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024,
    cpuMicros() {
      // After the name, which may have spaces: user and system time, in ticks of 10 ms (proc(5)).
      const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
      const fields = rest.split(" ");
      return (Number(fields[11]) + Number(fields[12])) * 10_000;
    },
  };
}
