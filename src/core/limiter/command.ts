// The script as a command of Redis. The commands of one turn of the event loop are sent together.

import type { Callback, Redis, Result } from "ioredis";
import { CHARGE_SCRIPT } from "./script.ts";

type Word = string | number;
type Call = [...keysAndArguments: Word[], onReply: Callback<number[]>];

declare module "ioredis" {
  interface RedisCommander<Context> {
    charge1(...call: Call): Result<number[], Context>;
    charge2(...call: Call): Result<number[], Context>;
  }
}

/** The methods of ioredis that the limiter calls, on one server or a Cluster. */
export type RedisCommands = Pick<Redis, "defineCommand" | "charge1" | "charge2" | "pipeline" | "set">;

/** Runs the script on one or two logs. @throws Error of ioredis; even then Redis may have run it */
export type CallScript = (logs: readonly string[], words: readonly Word[]) => Promise<number[]>;

interface ScriptCallOptions {
  /** Keys after those of the logs. */
  readonly clockKeys: readonly string[];
  readonly isOneServer: boolean | undefined;
}

/**
 * Creates the call. On one server the commands of a turn of the event loop go into one write, since a write costs more CPU than the
 * rest of a command. In a Cluster each goes to its node.
 */
export function createScriptCall(redis: RedisCommands, { clockKeys, isOneServer }: ScriptCallOptions): CallScript {
  // With a fixed number of keys ioredis routes a command in a Cluster, and sends the script again where it is not loaded.
  redis.defineCommand("charge1", { numberOfKeys: 1 + clockKeys.length, lua: CHARGE_SCRIPT });
  redis.defineCommand("charge2", { numberOfKeys: 2 + clockKeys.length, lua: CHARGE_SCRIPT });
  let waiting: { readonly name: "charge1" | "charge2"; readonly call: Call }[] = [];

  function sendWaiting(): void {
    const commands = waiting;
    waiting = [];
    const pipeline = isOneServer && commands.length > 1 ? redis.pipeline() : undefined;
    for (const { name, call } of commands) (pipeline ?? redis)[name](...call);
    // Each command has its own reply.
    void pipeline?.exec();
  }

  return (logs, words) =>
    new Promise((resolve, reject) => {
      const onReply: Callback<number[]> = (error, reply = []) => (error ? reject(error) : resolve(reply));
      if (waiting.length === 0) process.nextTick(sendWaiting);
      waiting.push({
        name: logs.length === 1 ? "charge1" : "charge2",
        call: [...logs, ...clockKeys, ...words, onReply],
      });
    });
}
