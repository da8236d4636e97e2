// What every connection to Redis has in common: it fails fast, and nothing is sent twice. Knows ioredis's options, and no
// address.

import type { RedisOptions } from "ioredis";
import type { RedisLogin } from "./redis-url.ts";

/** Until the next attempt, in milliseconds. */
export const RETRY_MS = 50;
/** How long a Sentinel, or a node that is asked for the slots of its Cluster, may take, in milliseconds. */
export const INQUIRY_MS = 500;
const CONNECT_MS = 1_000;
/** A connection with commands under way that hears nothing for so long is closed; those that make it ready count too. */
const SILENCE_MS = 1_000;

export type ConnectionOptions = Omit<RedisOptions, "replyMapping">;

export function connectionOptions({ username, password }: RedisLogin, tls: boolean): ConnectionOptions {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    // Who is given up need not agree.
    disconnectTimeout: 1,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    autoResendUnfulfilledCommands: false,
    // What is under way when a connection breaks is rejected then; by any other number ioredis may never settle it.
    maxRetriesPerRequest: 0,
  };
}

/** What a server answers that is no master any more: true has ioredis reconnect, and reject the command. */
export function isDemoted({ message }: Error): boolean {
  return message.includes("READONLY ") || message.startsWith("MASTERDOWN ");
}

/** ioredis tells of the failure by an event too. */
export function ignore(): void {}
