// The target of an attack, and its findings.

import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

export interface Target {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly adminToken: string;
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

/** Waits until the gateway holds no connection of an attacker. @returns what it holds when `ms` are over */
export async function heldAfter(target: Target, ms: number): Promise<number> {
  const deadline = performance.now() + ms;
  for (;;) {
    const held = heldConnections(target);
    if (held === 0 || performance.now() > deadline) return held;
    await pause(POLL_MS);
  }
}
