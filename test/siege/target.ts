// What an attack aims at, and what it brings back.

import { readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

export interface Target {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly adminToken: string;
  /** The gateway's process, for its descriptors. */
  readonly pid: number;
}

export const LISTENERS = ["publicUrl", "internalUrl"] as const;

/** What did not hold, each sentence once with its count. */
export class Findings {
  readonly #counts = new Map<string, number>();

  add(sentence: string, count = 1): void {
    this.#counts.set(sentence, (this.#counts.get(sentence) ?? 0) + count);
  }

  list(): readonly string[] {
    return [...this.#counts].map(([sentence, count]) => (count === 1 ? sentence : `${count} × ${sentence}`));
  }
}

/** An attack of `count` units. It resolves once everything it opened is closed. */
export type Attack = (target: Target, count: number, findings: Findings) => Promise<void>;

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

/** Open descriptors of a process; 0 after its end. */
export function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** Logins come and go meanwhile. */
const DESCRIPTOR_SLACK = 15;
const POLL_MS = 200;

/** Waits until the gateway has let its connections go. @returns what is left when `ms` are over */
export async function descriptorsLeft({ pid }: Target, before: number, ms: number): Promise<number> {
  const deadline = performance.now() + ms;
  for (;;) {
    const left = descriptorsOf(pid) - before;
    if (left <= DESCRIPTOR_SLACK) return 0;
    if (performance.now() > deadline) return left;
    await pause(POLL_MS);
  }
}
