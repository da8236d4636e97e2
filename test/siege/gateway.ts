// The gateway under siege: a process of its own, with devices, its memory and its descriptors.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Target } from "./target.ts";

const LAUNCHER = join(import.meta.dirname, "../../bin/countersign.js");
const ADMIN_TOKEN = "siege-admin-token-0123456789";
const HEADERS = { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "application/json" };
/** Enough for the logins of a warm-up and of an attack within a limit of 10 a minute. */
const DEVICES = 800;
const MB = 1024;

/** Devices of one customer key. */
export interface Fleet {
  readonly customerKey: string;
  readonly deviceKeys: readonly string[];
}

export interface SiegedGateway {
  readonly target: Target;
  /** Resident memory in MB; NaN after the end of the process. */
  rss(): number;
  /** Undefined while it runs; then its exit status or signal. */
  ended(): string | undefined;
  /** The log's lines of bugs, and those that name descriptors. */
  readLog(): { readonly faults: readonly string[]; readonly shortages: readonly string[] };
  end(): Promise<void>;
}

/** A folder with a data directory; gateways on it follow one another. */
export interface Site {
  readonly fleet: Fleet;
  /** @param descriptors the limit of open descriptors; absent: the highest that is allowed */
  start(descriptors?: number): Promise<SiegedGateway>;
  remove(): void;
}

/** Makes a site and enrols its devices. */
export async function openSite(devices = DEVICES): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-siege-"));
  let starts = 0;
  const start = (descriptors?: number): Promise<SiegedGateway> => {
    starts++;
    return startGateway(folder, join(folder, `log-${starts}`), descriptors);
  };
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const gateway = await start();
    const fleet = await enrol(gateway.target.internalUrl, devices).finally(() => gateway.end());
    return { fleet, start, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

async function enrol(internalUrl: string, devices: number): Promise<Fleet> {
  const call = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await fetch(new URL(path, internalUrl), {
      method: "POST",
      headers: HEADERS,
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return JSON.parse(await answer.text());
  };
  const { customer_id: customerId } = await call("/v1/customers", { display_name: "Siege" });
  const { customer_key: customerKey } = await call(`/v1/customers/${customerId}/keys:issue`, {
    purpose: "KEY_PURPOSE_LOGIN",
  });
  const deviceKeys = Array.from({ length: devices }, (_, index) => `siege-${index}`);
  for (const deviceKey of deviceKeys) {
    await call(`/v1/customers/${customerId}/devices`, { device_key: deviceKey });
  }
  return { customerKey: String(customerKey), deviceKeys };
}

async function startGateway(folder: string, logFile: string, descriptors?: number): Promise<SiegedGateway> {
  const log = openSync(logFile, "w");
  const words = [process.execPath, LAUNCHER, "serve", "--dev", "--json"];
  const limited = descriptors === undefined ? words : ["prlimit", `--nofile=${descriptors}:${descriptors}`, ...words];
  const [program = "", ...args] = limited;
  const child = spawn(program, args, { env: environmentOf(folder), stdio: ["ignore", "pipe", log] });
  closeSync(log);
  const { stdout, pid } = child;
  if (stdout === null || pid === undefined) throw new TypeError("the gateway does not start");
  const exited = once(child, "exit");
  const line = await Promise.race([once(createInterface(stdout), "line"), exited.then(() => undefined)]);
  if (line === undefined) throw new Error(`the gateway ended: ${readFileSync(logFile, "utf8")}`);
  const { public: publicUrl, internal: internalUrl } = JSON.parse(String(line[0]));
  return {
    target: { publicUrl, internalUrl, adminToken: ADMIN_TOKEN },
    rss: () => (endOf(child) === undefined ? rssOf(pid) : Number.NaN),
    ended: () => endOf(child),
    readLog() {
      const lines = readFileSync(logFile, "utf8").split("\n");
      const isFault = (text: string): boolean => text.includes('"msg":"fault"') || /^\s+at |^Error|Uncaught/.test(text);
      const isShortage = (text: string): boolean => /connections are refused/i.test(text);
      return { faults: lines.filter(isFault), shortages: lines.filter(isShortage) };
    },
    async end() {
      if (endOf(child) !== undefined) return;
      child.kill("SIGTERM");
      await exited;
    },
  };
}

function endOf({ exitCode, signalCode }: ChildProcess): string | undefined {
  return exitCode === null && signalCode === null ? undefined : String(exitCode ?? signalCode);
}

function environmentOf(folder: string): NodeJS.ProcessEnv {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN_"));
  return {
    ...Object.fromEntries(clean),
    COUNTERSIGN_DATA_DIR: join(folder, "data"),
    COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0",
    COUNTERSIGN_INTERNAL_LISTEN: "127.0.0.1:0",
    COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN,
  };
}

function rssOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / MB;
  } catch {
    return Number.NaN;
  }
}
