// Checks what a gateway with these settings would use. Changes nothing.

import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { type Config, dataFile } from "../config.ts";
import { requireMasterKeys } from "../core/registry/secrets.ts";
import type { Database } from "../store/database.ts";
import { isMigrated, readServerClock } from "../store/migrations.ts";
import { createSealer } from "../store/sealing.ts";
import { createStore } from "../store/sql.ts";
import { monotonicNow, systemNow } from "../telemetry/clock.ts";
import { openDatabase } from "./registry.ts";

export interface CheckResult {
  readonly name: string;
  readonly status: "ok" | "warning" | "wrong";
  readonly message: string;
}

const ok = (name: string, message: string): CheckResult => ({ name, status: "ok", message });
const warning = (name: string, message: string): CheckResult => ({ name, status: "warning", message });
const wrong = (name: string, message: string): CheckResult => ({ name, status: "wrong", message });

/** A certificate that expires sooner gets a warning. */
const EXPIRY_DAYS = 14;
const DAY_MS = 86_400_000;
/** The largest difference between clocks without a warning, in milliseconds. */
const CLOCKS_APART_MS = 500;
const SILENT = { away() {}, back() {} };

/** Makes every check. */
export async function checkSite(config: Config): Promise<readonly CheckResult[]> {
  return [...(await checkDatabase(config)), ...(await checkRedis(config)), ...checkCertificates(config)];
}

async function checkDatabase(config: Config): Promise<readonly CheckResult[]> {
  const path = dataFile(config.dataDir, "countersign.db");
  if (config.databaseUrl === undefined && !existsSync(path)) {
    return [ok("database", `SQLite: there is no ${path} yet. The first start makes it`)];
  }
  try {
    await using opened = new AsyncDisposableStack();
    const database = await openDatabase(config, SILENT);
    opened.defer(database.close);
    const kind = database.dialect === "sqlite" ? "SQLite" : "PostgreSQL";
    const asked = systemNow();
    const clock = await readServerClock(database);
    const clocks = clock === undefined ? [] : [compareClock(kind, clock, asked)];
    if (await isMigrated(database)) {
      return [ok("database", `${kind} answers`), await checkKeys(config, database), ...clocks];
    }
    return [ok("database", `${kind} answers. The next start migrates its schema`), ...clocks];
  } catch (error) {
    return [wrong("database", messageOf(error))];
  }
}

async function checkKeys(config: Config, database: Database): Promise<CheckResult> {
  const store = createStore(database, createSealer([config.masterKey, ...config.otherMasterKeys]), () => {});
  try {
    await requireMasterKeys(store.secrets, systemNow());
    const { keys } = await store.signingKeys.read();
    const active = keys.find(({ state }) => state === "active");
    const signs = active === undefined ? "the next start makes a signing key" : `${active.kid} signs by ${active.alg}`;
    return ok("keys", `the master key opens every secret; ${signs}`);
  } catch (error) {
    return wrong("keys", messageOf(error));
  }
}

async function checkRedis(config: Config): Promise<readonly CheckResult[]> {
  const { redisUrl, redisCa: ca, redisCert: cert, redisKey: key } = config;
  if (redisUrl === undefined) return [ok("redis", "not set: limits are kept in each process")];
  const { connectRedis } = await import("../core/limiter/connection.ts");
  try {
    await using opened = new AsyncDisposableStack();
    const redis = await connectRedis(redisUrl, monotonicNow, { ca, cert, key });
    opened.defer(redis.close);
    if (redis.startedAt() === undefined) throw redis.lastError();
    const asked = systemNow();
    const [seconds, micros] = await redis.client.time();
    return [ok("redis", "answers"), compareClock("Redis", Number(seconds) * 1_000 + Number(micros) / 1_000, asked)];
  } catch (error) {
    return [wrong("redis", `does not answer: ${messageOf(error)}`)];
  }
}

/** Compares a server's clock with this one. `asked`: when the reading began; both in Unix milliseconds. */
function compareClock(server: string, clock: number, asked: number): CheckResult {
  const ms = Math.round(clock - (asked + systemNow()) / 2);
  const message = `${server} is ${Math.abs(ms)} ms ${ms < 0 ? "behind" : "ahead"}`;
  if (Math.abs(ms) <= CLOCKS_APART_MS) return ok("clock", message);
  return warning("clock", `${message}. Run NTP on every machine`);
}

function checkCertificates({ tlsCert = [] }: Config): readonly CheckResult[] {
  if (tlsCert.length === 0) return [ok("certificate", "not set: the listeners do not use TLS")];
  return tlsCert.map((path) => {
    const { validToDate, validFromDate } = new X509Certificate(readFileSync(path));
    const days = Math.floor((validToDate.getTime() - systemNow()) / DAY_MS);
    if (days < 0) return wrong("certificate", `${path} has expired. Replace it`);
    if (validFromDate.getTime() > systemNow()) return wrong("certificate", `${path} is not valid yet. Check the clock`);
    const message = `${path} expires in ${days} days`;
    return days < EXPIRY_DAYS ? warning("certificate", `${message}. Replace it`) : ok("certificate", message);
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown";
}
