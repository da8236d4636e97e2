// What a gateway tells Redis on its return. Knows ioredis and the scripts' arguments, and decides nothing.

import { createHash, randomUUID } from "node:crypto";
import type { Redis, Result } from "ioredis";
import type { Charge } from "../ports.ts";
import { MERGE_SCRIPT, packAdmissions } from "./merge-script.ts";
import type { ShadowLog } from "./shadow.ts";
import type { SharedLimiter } from "./shared.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    merge1(...keysAndArguments: (string | number | Buffer)[]): Result<number[], Context>;
    merge50(...keysAndArguments: (string | number | Buffer)[]): Result<number[], Context>;
  }
}

/** The part of ioredis that is used here. */
export type RedisMerging = Pick<
  Redis,
  "defineCommand" | "charge1" | "merge1" | "merge50" | "sadd" | "pexpire" | "scard"
>;

export interface MergesOptions {
  readonly prefix: string;
  readonly slotOf: ((key: string) => number) | undefined;
  readonly nameOf: (charge: Charge) => string;
  /** What stands for the time in a script's arguments. */
  readonly clockArgument: (now: number) => string | number;
}

const REPORTS_KEPT_MS = 60_000;
/** Logs a merge command, where a command may hold several. */
const MERGED_TOGETHER = 50;

/** The part of a SharedLimiter that an outage needs; `charge1` is defined by whoever has the other part. */
export function createMerges(
  redis: RedisMerging,
  { prefix, slotOf, nameOf, clockArgument }: MergesOptions,
): Pick<SharedLimiter, "probe" | "report" | "merge"> & { readonly probeName: string } {
  const gateway = randomUUID();
  const probeName = `${prefix}:probe`;
  for (const numberOfKeys of [1, MERGED_TOGETHER]) {
    redis.defineCommand(`merge${numberOfKeys}`, { numberOfKeys, lua: MERGE_SCRIPT });
  }

  async function mergeTogether(logs: readonly ShadowLog[], now: number): Promise<number[]> {
    const names = logs.map(nameOf);
    const described = logs.flatMap(({ policy, generation, admissions }) => [
      policy.limit,
      policy.windowMs * 1000,
      generation,
      packAdmissions(admissions, policy),
    ]);
    const call = logs.length === 1 ? "merge1" : "merge50";
    const [, ...generations] = await redis[call](...names, clockArgument(now), ...described);
    return generations;
  }

  return {
    probeName,

    async probe(now) {
      const [, at] = await redis.charge1(probeName, clockArgument(now), 0, 1, 1_000);
      if (!Number.isSafeInteger(at) || at === undefined) throw new TypeError("the script answers with the time");
      return at;
    },

    async report(servers, what) {
      const name = `${prefix}:told:{${createHash("sha256").update(servers).digest("base64url")}}`;
      const [begun, done] = [`${name}:begun`, `${name}:done`];
      const own = `${name}:${what}`;
      const [, , begunCount, doneCount] = await Promise.all([
        redis.sadd(own, gateway),
        redis.pexpire(own, REPORTS_KEPT_MS),
        redis.scard(begun),
        redis.scard(done),
      ]);
      return { begun: begunCount, done: doneCount };
    },

    async merge(logs, now) {
      const together = slotOf === undefined ? Math.floor(logs.length / MERGED_TOGETHER) * MERGED_TOGETHER : 0;
      const turns: (readonly ShadowLog[])[] = [];
      for (let place = 0; place < together; place += MERGED_TOGETHER) {
        turns.push(logs.slice(place, place + MERGED_TOGETHER));
      }
      for (const log of logs.slice(together)) turns.push([log]);
      const outcomes = await Promise.allSettled(turns.map((turn) => mergeTogether(turn, now)));
      return outcomes.flatMap((outcome, place): (number | Error)[] => {
        if (outcome.status === "fulfilled") return outcome.value;
        const reason = outcome.reason instanceof Error ? outcome.reason : new Error("unknown");
        return (turns[place] ?? []).map(() => reason);
      });
    },
  };
}
