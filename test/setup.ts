// Starts one Redis and one PostgreSQL for the whole run, on free ports, unless COUNTERSIGN_TEST_REDIS_URL and
// COUNTERSIGN_TEST_POSTGRES_URL name others, and keeps a folder in which the package is packed once.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { hasPostgres } from "./postgres/programs.ts";
import { startPostgres } from "./postgres/server.ts";
import { startRedis } from "./redis/server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A Redis to test with, shared by all: use keys of your own. Undefined where there is none. */
    redisUrl: string | undefined;
    /** A PostgreSQL to test with, shared by all: use databases of your own. Undefined where there is none. */
    postgresUrl: string | undefined;
    /** Where the first test that needs the package packs it, for all: test/packed.ts. Empty at first. */
    packFolder: string;
  }
}

/** Where a server is, and what ends it. */
interface Started {
  readonly url: string | undefined;
  stop(): Promise<void>;
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const packFolder = mkdtempSync(join(tmpdir(), "countersign-pack-"));
  project.provide("packFolder", packFolder);
  // A watcher has changed something since.
  project.onTestsRerun(async () => {
    rmSync(packFolder, { recursive: true });
    mkdirSync(packFolder);
  });
  const starting = [
    startUnless(process.env["COUNTERSIGN_TEST_REDIS_URL"], startSharedRedis),
    startUnless(process.env["COUNTERSIGN_TEST_POSTGRES_URL"], startSharedPostgres),
  ] as const;
  const [redis, postgres] = await Promise.all(starting);
  project.provide("redisUrl", redis.url);
  project.provide("postgresUrl", postgres.url);
  return async () => {
    rmSync(packFolder, { recursive: true, force: true });
    await Promise.all([redis.stop(), postgres.stop()]);
  };
}

const NONE: Started = { url: undefined, stop: async () => {} };

async function startUnless(given: string | undefined, start: () => Promise<Started>): Promise<Started> {
  return given ? { url: given, stop: async () => {} } : start();
}

/** Nobody kills it, so nothing is lost by not waiting for the disk, and databases come and go ten times as fast. */
async function startSharedPostgres(): Promise<Started> {
  return hasPostgres() ? startPostgres({ settings: ["fsync=off"] }) : NONE;
}

async function startSharedRedis(): Promise<Started> {
  return spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0 ? startRedis() : NONE;
}
