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
  /** Of the demo device. */
  readonly demo: { readonly deviceKey: string; readonly customerKey: string };
  /** Runs a command to its end. @returns how long that took, in seconds. @throws Error with what it said */
  command(...words: readonly string[]): Promise<number>;
  /** The most memory that the process has had resident, in bytes. */
  maxRss(): number;
}

/** Starts one. Limits are off: it is not they that are measured. */
export async function openRegistryGateway(database: DatabaseName): Promise<RegistryGateway> {
  await using cleanup = new AsyncDisposableStack();
  const cache = join(ROOT, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "bench-registry-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  // PostgreSQL as it comes: what it acknowledges is on disk.
  const postgres = database === "postgres" ? await startPostgres() : undefined;
  if (postgres !== undefined) cleanup.defer(() => postgres.stop());

  const { env, serving, publicUrl } = await serve(join(folder, "data"), postgres?.url);
  cleanup.defer(async () => {
    const exited = once(serving, "exit");
    if (serving.kill("SIGTERM")) await exited;
  });
  const demo: { device_key: string; customer_key: string } = JSON.parse(
    readFileSync(join(folder, "data/demo-device"), "utf8"),
  );
  const owned = cleanup.move();
  return {
    publicUrl,
    folder,
    demo: { deviceKey: demo.device_key, customerKey: demo.customer_key },
    async command(...words) {
      const begun = performance.now();
      const child = spawn(process.execPath, [LAUNCHER, ...words], { env, stdio: ["ignore", "ignore", "pipe"] });
      const [said, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);
      if (status !== 0) throw new Error(`countersign ${words.join(" ")}: ${said}`);
      return (performance.now() - begun) / 1_000;
    },
    maxRss() {
      const status = readFileSync(`/proc/${serving.pid}/status`, "utf8");
      return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function serve(
  dataDir: string,
  databaseUrl: string | undefined,
): Promise<{ env: NodeJS.ProcessEnv; serving: ReturnType<typeof spawn>; publicUrl: string }> {
  const settings = {
    COUNTERSIGN_DATA_DIR: dataDir,
    COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0",
    COUNTERSIGN_INTERNAL_LISTEN: "127.0.0.1:0",
    COUNTERSIGN_LOGIN_LIMIT: "off",
    COUNTERSIGN_ADDRESS_LIMIT: "off",
    COUNTERSIGN_LOG_LEVEL: "error",
    ...(databaseUrl !== undefined && { COUNTERSIGN_DATABASE_URL: databaseUrl }),
  };
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN_"));
  const env = { ...Object.fromEntries(clean), ...settings };
  const serving = spawn(process.execPath, [LAUNCHER, "serve", "--dev", "--json"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (serving.stdout === null) throw new TypeError("standard output is piped");
  const [line] = await once(createInterface(serving.stdout), "line");
  const { public: publicUrl, internal: internalUrl } = JSON.parse(String(line));
  return { env: { ...env, COUNTERSIGN_INTERNAL_URL: internalUrl }, serving, publicUrl };
}
