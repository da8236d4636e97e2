// A Redis for one run: a private one on a free port, or COUNTERSIGN_TEST_REDIS_URL. Knows no command.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../test/free-port.ts";

export interface RunningRedis {
  readonly url: string;
  stop(): Promise<void>;
}

/** @throws Error where there is no redis-server */
export async function startRedis(): Promise<RunningRedis> {
  const given = process.env["COUNTERSIGN_TEST_REDIS_URL"];
  if (given) return { url: given, stop: () => Promise.resolve() };

  const port = await freePort();
  const redis = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await once(redis, "spawn");
  let said = "";
  for await (const chunk of redis.stdout.iterator({ destroyOnReturn: false })) {
    said += String(chunk);
    if (said.includes("Ready to accept connections")) break;
  }
  if (redis.exitCode !== null) throw new Error(`redis-server does not start:\n${said}`);
  redis.stdout.resume();
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      const exited = once(redis, "exit");
      redis.kill("SIGTERM");
      await exited;
    },
  };
}
