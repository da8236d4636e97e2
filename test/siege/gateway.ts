// Starts the gateway under siege in its own process, with its devices.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/config.ts";
import { ask, postJson } from "../ask.ts";
import { ADMIN_TOKEN, enrolMany, namedSettings, openGateway, signNow } from "../gateway.ts";
import { launch } from "../program.ts";
import type { Target } from "./attack.ts";

const MB = 1024;
/** The device whose login attacks repeat. */
const ATTACKED = "siege-attacked";

export type Site = Awaited<ReturnType<typeof openSite>>;
export type SiegedGateway = Awaited<ReturnType<Site["start"]>>;

/** Makes a data directory, for one gateway after the other, and enrols devices whose key is CUSTOMER_KEY. */
export async function openSite(devices: number, settings: Environment = {}) {
  const folder = mkdtempSync(join(tmpdir(), "countersign-siege-"));
  const deviceKeys = Array.from({ length: devices }, (_, index) => `siege-${index}`);
  const gateway = await openGateway({ DATA_DIR: folder, TOKEN_ALG: "RS256" });
  await enrolMany(gateway, [ATTACKED, ...deviceKeys]);
  await gateway.close();
  const env = namedSettings({ ...settings, DATA_DIR: folder });
  let starts = 0;
  return {
    deviceKeys,
    /** @param descriptors the limit of open descriptors; absent: the highest that is allowed */
    start: (descriptors = Number.POSITIVE_INFINITY) => startGateway(env, join(folder, `log-${starts++}`), descriptors),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function startGateway(env: Environment, logFile: string, descriptors: number) {
  const limit = Number.isFinite(descriptors) ? ["prlimit", `--nofile=${descriptors}:${descriptors}`] : [];
  const { pid, log, ended, end, ...urls } = await launch(["--dev"], { env, logFile, before: limit });
  return {
    target: await prepareAttack(urls),
    /** Resident memory in MB; NaN after the end of the process. */
    rss: () => rssOf(pid),
    ended,
    /** Warnings and errors in the log: about missing descriptors, and others, which no stranger must cause. */
    readLog() {
      const lines = log().split("\n");
      const loud = lines.filter((line) => line !== "" && !line.includes('"level":30,'));
      const isShortage = (line: string): boolean => line.includes("connections are refused");
      const faults = loud.filter((line) => !isShortage(line)).map((line) => line.slice(0, 400));
      return { shortages: loud.filter(isShortage), faults };
    },
    [Symbol.asyncDispose]: async () => void (await end("SIGTERM")),
  };
}

/** Logs a device in and an operator, whose requests attacks repeat. */
async function prepareAttack(urls: Pick<Target, "publicUrl" | "internalUrl">): Promise<Target> {
  const options = { agent: false, rejectUnauthorized: false } as const;
  const login = signNow(ATTACKED);
  const { body } = await postJson(new URL("/auth/login", urls.publicUrl), login, options);
  const signIn = { ...options, method: "POST", headers: { "x-countersign-dashboard": "1" } };
  const credentials = JSON.stringify({ token: ADMIN_TOKEN });
  const { headers } = await ask(new URL("/dashboard/sign-in", urls.internalUrl), signIn, credentials);
  const [session = ""] = headers["set-cookie"]?.[0]?.split(";") ?? [];
  return { ...urls, adminToken: ADMIN_TOKEN, login, token: JSON.parse(body).token, session };
}

function rssOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / MB;
  } catch {
    return Number.NaN;
  }
}
