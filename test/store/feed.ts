// A change feed that records what it tells, for tests; and changes to be told of.

import { onTestFinished, vi } from "vitest";
import { watchChanges } from "../../src/store/change-feed.ts";
import { noteChanges, type Subject } from "../../src/store/changes.ts";
import type { Database } from "../../src/store/database.ts";

export const NOW = 1_764_000_000_000;

export interface Recorder {
  /** All that was told, in its order. */
  readonly subjects: readonly Subject[];
  /** How many pages that came in. */
  readonly pages: () => number;
  readonly unsure: () => number;
  readonly faults: readonly unknown[];
  /** Resolves once this was told. */
  heard(subject: Subject): Promise<void>;
  /** Resolves once it has been unsure as often. */
  unsureFor(times: number): Promise<void>;
  close(): Promise<void>;
}

/** Watches a database until the test ends. */
export async function record(database: Database): Promise<Recorder> {
  const subjects: Subject[] = [];
  const faults: unknown[] = [];
  let pages = 0;
  let unsure = 0;
  let wake = (): void => {};
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) {
      await new Promise<void>((resolve) => {
        const before = wake;
        wake = () => {
          before();
          resolve();
        };
      });
    }
  };
  const feed = await watchChanges(database, {
    onChange(told) {
      subjects.push(...told);
      pages++;
      wake();
    },
    onUnsure() {
      unsure++;
      wake();
    },
    onFault: (fault) => faults.push(fault),
    now: () => NOW,
    elapsed: () => performance.now(),
  });
  onTestFinished(() => feed.close());
  return {
    subjects,
    faults,
    pages: () => pages,
    unsure: () => unsure,
    heard: (subject) => until(() => subjects.includes(subject)),
    unsureFor: (times) => until(() => unsure >= times),
    close: feed.close,
  };
}

/** Commits changes of these subjects. */
export async function commit(database: Database, ...subjects: readonly Subject[]): Promise<void> {
  await database.write((transaction) => noteChanges(transaction, database.dialect, subjects, NOW));
}

/** Commits changes until one is told by its name; those of before are covered by being unsure once more. */
export async function hearsAgain(recorder: Recorder, database: Database): Promise<void> {
  for (let number = 1; ; number++) {
    const subject: Subject = `device again-${number}`;
    const unsure = recorder.unsure();
    await commit(database, subject);
    await Promise.race([recorder.heard(subject), recorder.unsureFor(unsure + 1)]);
    if (recorder.subjects.includes(subject)) return;
  }
}

/** Does something while no timer fires: what it waits for has to come by itself. */
export async function withoutTimers<Result>(act: () => Promise<Result>): Promise<Result> {
  vi.useFakeTimers({ toFake: ["setTimeout", "setInterval"] });
  try {
    return await act();
  } finally {
    vi.useRealTimers();
  }
}

/** How long something takes, in milliseconds. */
export async function timed(act: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await act();
  return performance.now() - since;
}
