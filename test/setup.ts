// Starts one Redis for the whole run, on a free port, unless COUNTERSIGN_TEST_REDIS_URL names one.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { TestProject } from "vitest/node";
import { freePort } from "./free-port.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A Redis to test with, shared by all: use keys of your own. Undefined where there is none. */
    redisUrl: string | undefined;
  }
}

export async function setup({ provide }: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env["COUNTERSIGN_TEST_REDIS_URL"];
  if (given) {
    provide("redisUrl", given);
    return undefined;
  }
  if (spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status !== 0) {
    provide("redisUrl", undefined);
    return undefined;
  }
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await freePort();
    const redis = spawn("redis-server", [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
    ]);
    if (await isReady(redis.stdout)) {
      provide("redisUrl", `redis://127.0.0.1:${port}`);
      return async () => {
        redis.kill("SIGTERM");
        await once(redis, "exit");
      };
    }
  }
  throw new Error("redis-server does not start");
}

/** Redis says so when it accepts; its output ends when the port was taken meanwhile. */
async function isReady(output: AsyncIterable<unknown>): Promise<boolean> {
  let text = "";
  for await (const chunk of output) {
    text += String(chunk);
    if (text.includes("Ready to accept connections")) return true;
  }
  return false;
}
