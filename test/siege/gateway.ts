// The gateway under siege, in its own process, with its devices, memory and descriptors.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ADMIN_TOKEN, enrolMany, namedSettings, openGateway } from "../gateway.ts";
import { launch, type ServingProcess } from "../program.ts";
import type { Target } from "./target.ts";

/** Enough for the logins of a warm-up and of an attack within a limit of 10 a minute. */
const DEVICES = 800;
const MB = 1024;

export interface SiegedGateway extends Pick<ServingProcess, "ended"> {
  readonly target: Target;
  /** Resident memory in MB; NaN after the end of the process. */
  rss(): number;
  /** The log's lines about bugs, and about missing descriptors. */
  readLog(): { readonly faults: readonly string[]; readonly shortages: readonly string[] };
  end(): Promise<void>;
}

/** A data directory, for one gateway after the other. */
export interface Site {
  /** Devices whose key is CUSTOMER_KEY. */
  readonly deviceKeys: readonly string[];
  /** @param descriptors the limit of open descriptors; absent: the highest that is allowed */
  start(descriptors?: number): Promise<SiegedGateway>;
  remove(): void;
}

/** Makes a site and enrols its devices. */
export async function openSite(devices = DEVICES): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-siege-"));
  const deviceKeys = Array.from({ length: devices }, (_, index) => `siege-${index}`);
  const gateway = await openGateway({ DATA_DIR: folder, TOKEN_ALG: "RS256" });
  await enrolMany(gateway, deviceKeys);
  await gateway.close();
  let starts = 0;
  return {
    deviceKeys,
    start: (descriptors) => startGateway(folder, join(folder, `log-${starts++}`), descriptors),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function startGateway(folder: string, logFile: string, descriptors?: number): Promise<SiegedGateway> {
  const { pid, publicUrl, internalUrl, log, ended, end } = await launch(["--dev"], {
    env: namedSettings({ DATA_DIR: folder }),
    logFile,
    ...(descriptors !== undefined && { before: ["prlimit", `--nofile=${descriptors}:${descriptors}`] }),
  });
  return {
    target: { publicUrl, internalUrl, adminToken: ADMIN_TOKEN },
    rss: () => (ended() === undefined ? rssOf(pid) : Number.NaN),
    ended,
    readLog() {
      const lines = log().split("\n");
      const isFault = (text: string): boolean => text.includes('"msg":"fault"') || /^\s+at |^Error|Uncaught/.test(text);
      const isShortage = (text: string): boolean => /connections are refused/i.test(text);
      return { faults: lines.filter(isFault), shortages: lines.filter(isShortage) };
    },
    end: async () => void (await end("SIGTERM")),
  };
}

function rssOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / MB;
  } catch {
    return Number.NaN;
  }
}
