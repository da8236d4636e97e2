// A connection to the tests' Redis that counts the calls of one command.

import { Redis } from "ioredis";
import { inject, onTestFinished } from "vitest";

/** It ends with the test. */
export function openCounted(command: string): { readonly redis: Redis; readonly calls: () => number } {
  const redis = new Redis(inject("redisUrl") ?? "");
  onTestFinished(() => redis.disconnect());
  let calls = 0;
  const counted = new Proxy(redis, {
    get(target, name) {
      if (name === command) calls++;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { redis: counted, calls: () => calls };
}
