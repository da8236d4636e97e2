// Peers: servers in processes of their own, whose CPU can be read.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JSONWebKeySet } from "jose";
import { startPostgres } from "../test/postgres/server.ts";
import { MALLOC_SETTINGS, NODE_ARGUMENTS } from "../test/program.ts";
import type { Algorithm } from "./contract.ts";
import type { DialectName } from "./dialects.ts";
import type { Fleet } from "./fleet.ts";

export type ListenerName = "public" | "internal";

export const DATABASES = ["sqlite", "postgres"] as const;
export type DatabaseName = (typeof DATABASES)[number];

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** The settings of a peer. */
export interface PeerSetup {
  readonly redisUrl: string;
  /** Its PostgreSQL; absent: SQLite. */
  readonly databaseUrl?: string;
  /** A folder of its own, removed when the run ends. */
  readonly folder: string;
  /** The devices that it knows. */
  readonly fleet: Fleet;
  /** The algorithm of its tokens. */
  readonly algorithm: Algorithm;
  readonly dialect: DialectName;
  /** The gateway's listener to call; other peers have only one. */
  readonly listener: ListenerName;
  /** PEM files of a TLS server; absent: cleartext. */
  readonly tls?: TlsFiles;
  /** For a peer that checks another peer's tokens: the public keys of that other peer. */
  readonly jwks?: JSONWebKeySet;
}

/** Where a peer is. */
export interface PeerOrigins {
  /** The URL for its dialect. */
  readonly url: string;
  /** The URL of its JWKS, if it has one. */
  readonly jwksUrl?: string;
}

export interface Peer extends PeerOrigins {
  readonly name: string;
  readonly setup: PeerSetup;
  /** CPU that its process has used so far, user and system, all threads, in microseconds. */
  cpuMicros(): Promise<number>;
  stop(): Promise<void>;
}

export interface PeerGroup {
  /** A temporary folder. */
  readonly folder: string;
  /** Starts `peers/<name>.ts` with a folder and a database of its own. */
  start(name: string, setup: Omit<PeerSetup, "redisUrl" | "databaseUrl" | "folder">, on?: DatabaseName): Promise<Peer>;
}

/** Prepares peers that share a Redis. `cleanup` ends them and removes the folder. */
export function createPeerGroup(cleanup: AsyncDisposableStack, redisUrl: string): PeerGroup {
  const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  cleanup.defer(() => rmSync(folder, { recursive: true }));
  return {
    folder,
    async start(name, setup, on) {
      const peerFolder = join(folder, name);
      mkdirSync(peerFolder);
      const postgres = on === "postgres" ? await startPostgres() : undefined;
      if (postgres !== undefined) cleanup.defer(() => postgres.stop());
      const databaseUrl = postgres && { databaseUrl: postgres.url };
      const peer = await startPeer(name, { ...setup, redisUrl, ...databaseUrl, folder: peerFolder });
      cleanup.defer(() => peer.stop());
      return peer;
    },
  };
}

/** Resolves once the peer listens. Its output goes to a file, as a server's log does. */
async function startPeer(name: string, setup: PeerSetup): Promise<Peer> {
  const logFile = join(setup.folder, "log");
  const log = openSync(logFile, "w");
  const child = fork(new URL(`./peers/${name}.ts`, import.meta.url), {
    stdio: ["ignore", log, log, "ipc"],
    env: { ...process.env, NODE_ENV: "production", ...(name === "gateway" && MALLOC_SETTINGS) },
    execArgv: name === "gateway" ? [...NODE_ARGUMENTS] : [],
  });
  closeSync(log);

  // A peer's first message is its setup; each later one asks for its CPU.
  async function ask(message: object, field: string): Promise<object> {
    child.send(message);
    const answer = await nextMessage(child);
    if (typeof answer === "object" && answer !== null && field in answer) return answer;
    throw new Error(`${name} ended:\n${readFileSync(logFile, "utf8").slice(-2_000)}`);
  }

  const origins = await ask(setup, "url");
  const jwksUrl: unknown = Reflect.get(origins, "jwksUrl");
  return {
    name,
    url: String(Reflect.get(origins, "url")),
    ...(typeof jwksUrl === "string" && { jwksUrl }),
    setup,
    cpuMicros: async () => Number(Reflect.get(await ask({}, "cpuMicros"), "cpuMicros")),
    async stop() {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

/** The next message of a process; undefined if it ends first. */
function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    const settle = (message: unknown): void => {
      child.off("message", settle);
      child.off("exit", ended);
      resolve(message);
    };
    const ended = (): void => settle(undefined);
    child.once("message", settle);
    child.once("exit", ended);
  });
}
