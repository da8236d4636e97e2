// An attack: its target, its connections and its findings.

import { readFileSync } from "node:fs";
import type { Socket, TcpNetConnectOpts } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { LoginBody } from "../../src/cli/sign.ts";
import { connectTo } from "../http/raw-http.ts";

export interface Target {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly adminToken: string;
  /** A device's valid login, and its token. */
  readonly login: LoginBody;
  readonly token: string;
  /** The cookie of a session of the dashboard. */
  readonly session: string;
}

export const LISTENERS = ["publicUrl", "internalUrl"] as const;

/** Broken conditions: each sentence once, with its count. */
export class Findings {
  readonly #counts = new Map<string, number>();

  add(sentence: string): void {
    this.#counts.set(sentence, (this.#counts.get(sentence) ?? 0) + 1);
  }

  list(): readonly string[] {
    return [...this.#counts].map(([sentence, count]) => (count === 1 ? sentence : `${count} × ${sentence}`));
  }
}

/** An attack of `count` units. It resolves once everything it opened is closed. */
export type Attack = (target: Target, count: number, findings: Findings) => Promise<void>;

/** An attack with its count at full scale. */
export interface AttackPlan {
  readonly count: number;
  readonly run: Attack;
  /** Processes that share the count: each has its own descriptors. One when absent. */
  readonly processes?: number;
  /** The gateway's limit of descriptors, which the attack uses up. */
  readonly descriptors?: number;
  /** The listeners that refuse new connections meanwhile: logins and probes use open ones. */
  readonly full?: readonly ("public" | "internal")[];
}

/** Runs `act` for each index, at most `concurrency` at a time. */
export async function forEachIndex(
  count: number,
  concurrency: number,
  act: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(count, concurrency) }, lane));
}

/** Source addresses of an attack, enough that the limit by address does not apply. */
const ADDRESSES = 200;
const CONNECT_MS = 5_000;

/** Connects from one of many loopback addresses. @returns undefined, and adds a finding, if refused or not accepted in time */
export function openSocket(
  url: string,
  index: number,
  options: Partial<TcpNetConnectOpts> = {},
  findings?: Findings,
): Promise<Socket | undefined> {
  const socket = connectTo(url, { localAddress: `127.0.1.${1 + (index % ADDRESSES)}`, ...options });
  const timer = setTimeout(() => socket.destroy(), CONNECT_MS);
  return new Promise<Socket | undefined>((resolve) => {
    const refuse = (): void => {
      findings?.add("a connection was refused");
      resolve(undefined);
    };
    socket.once("connect", () => resolve(socket.off("close", refuse)));
    socket.once("close", refuse);
  }).finally(() => clearTimeout(timer));
}

/** Resolves with the first bytes that `isEnough` accepts, with all at the close, or undefined when `ms` are over. */
export function received(
  socket: Socket,
  ms: number,
  isEnough: (bytes: Buffer) => boolean = () => true,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    const finish = (result?: Buffer): void => {
      clearTimeout(timer);
      socket.off("data", read).off("close", close);
      resolve(result);
    };
    const close = (): void => finish(bytes);
    const read = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      if (isEnough(bytes)) finish(bytes);
    };
    const timer = setTimeout(() => finish(), ms);
    socket.on("data", read).once("close", close);
    if (socket.closed) close();
  });
}

/** Writes all of the bytes, or as many as the connection takes before it closes. */
export function writeAll(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()));
}

/** A line of /proc/net/tcp: the local port, and the inode, which is 0 for a closed descriptor. */
const ATTACKER = /^ *\d+: \w{8}:(\w{4}) \w\w01007F:\w{4} \w\w \S+ \S+ \S+ +\d+ +\d+ (\d+)/gm;

/** The connections of attackers that the gateway holds: those from 127.0.1.0/24, with a descriptor each. */
export function heldConnections({ publicUrl, internalUrl }: Target): number {
  const ports = [publicUrl, internalUrl].map((url) => Number(new URL(url).port));
  const connections = [...readFileSync("/proc/net/tcp", "latin1").matchAll(ATTACKER)];
  return connections.filter(([, port = "", inode]) => inode !== "0" && ports.includes(Number.parseInt(port, 16)))
    .length;
}

const POLL_MS = 250;

/** Waits until nothing is left. @returns what is left when `seconds` are over */
export async function leftAfter(seconds: number, count: () => number): Promise<number> {
  const deadline = performance.now() + seconds * 1_000;
  for (;;) {
    const left = count();
    if (left === 0 || performance.now() > deadline) return left;
    await pause(POLL_MS);
  }
}
