// Starts one Redis and one PostgreSQL for the whole run, on free ports, unless COUNTERSIGN_TEST_REDIS_URL and
// COUNTERSIGN_TEST_POSTGRES_URL name others.

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

/** A server's URL, and a function that stops it. */
interface Started {
  readonly url: string | undefined;
  stop(): Promise<void>;
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const starting = [
    startUnless(process.env["COUNTERSIGN_TEST_REDIS_URL"], startSharedRedis),
    startUnless(process.env["COUNTERSIGN_TEST_POSTGRES_URL"], startSharedPostgres),
  ] as const;
  const [redis, postgres] = await Promise.all(starting);
  project.provide("redisUrl", redis.url);
  project.provide("postgresUrl", postgres.url);
  return async () => void (await Promise.all([redis.stop(), postgres.stop()]));
}

const NONE: Started = { url: undefined, stop: async () => {} };

async function startUnless(given: string | undefined, start: () => Promise<Started>): Promise<Started> {
  return given ? { url: given, stop: async () => {} } : start();
}

/** Starts it without fsync, which makes creating and dropping databases ten times as fast. No test kills it. */
async function startSharedPostgres(): Promise<Started> {
  return hasPostgres() ? startPostgres({ settings: ["fsync=off"] }) : NONE;
}

async function startSharedRedis(): Promise<Started> {
  return spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0 ? startRedis() : NONE;
}
