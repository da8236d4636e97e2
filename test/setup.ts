// Starts one Redis and one PostgreSQL for the run. COUNTERSIGN_TEST_REDIS_URL and COUNTERSIGN_TEST_POSTGRES_URL name others.

import { spawnSync } from "node:child_process";
import type { TestProject } from "vitest/node";
import { hasPostgres, startPostgres } from "./postgres/server.ts";
import { startRedis } from "./redis/server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A Redis that all tests share: use your own keys. Undefined if there is none. */
    redisUrl: string | undefined;
    /** A PostgreSQL that all tests share: use your own databases. Undefined if there is none. */
    postgresUrl: string | undefined;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { COUNTERSIGN_TEST_REDIS_URL: redisUrl, COUNTERSIGN_TEST_POSTGRES_URL: postgresUrl } = process.env;
  const hasRedis = () => spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0;
  const [redis, postgres] = await Promise.all([
    !redisUrl && hasRedis() ? startRedis() : undefined,
    // Without fsync creating and dropping databases is ten times as fast. No test kills this server.
    !postgresUrl && hasPostgres() ? startPostgres({ settings: ["fsync=off"] }) : undefined,
  ]);
  project.provide("redisUrl", redis?.url ?? redisUrl);
  project.provide("postgresUrl", postgres?.url ?? postgresUrl);
  return async () => void (await Promise.all([redis?.stop(), postgres?.stop()]));
}
