// Hears of every change to the registry that any gateway commits, or says that it cannot be sure. Knows no database's ways.

import { SEEN_MS } from "../core/registry/ports.ts";
import { createBell } from "./bell.ts";
import { type ChangeReader, openChangeReader } from "./change-reader.ts";
import { pruneChanges, type Subject, subjectOf } from "./changes.ts";
import type { Database } from "./database.ts";

export interface ChangeHearing {
  /** These changed, here or elsewhere, within a second. */
  onChange(subjects: readonly Subject[]): void;
  /** Anything may have changed: some changes were not heard of, or the database could not be asked for a while. */
  onUnsure(): void;
  /** Something failed that will be tried again. */
  onFault?(error: unknown): void;
  /** Unix milliseconds: by it, old changes are deleted, and a suspended machine is told from one that ran on. */
  now(): number;
  /** Milliseconds since any fixed instant, monotonic. */
  elapsed(): number;
}

export interface ChangeFeed {
  /** Whether all that was committed until SEEN_MS ago has been told of: false after this process, the machine or the database stood still. */
  isSure(): boolean;
  close(): Promise<void>;
}

/** How often it looks: SQLite tells nothing, and what PostgreSQL tells, a pooler between may not pass on. */
const POLL_MS = 500;
/** For as long nothing needs to be confirmed, in milliseconds. */
const SURE_MS = 3_000;
/** What was confirmed for so long counts, in milliseconds: a little less than the time in which changes are to be acted on. */
const LEASE_MS = SEEN_MS - 100;
/** Attempts to ask again begin with this pause, and double it up to the other. */
const SHORTEST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;
const PRUNE_EVERY_MS = 600_000;

/** Begins to listen; resolves once nothing can be missed. @throws what the driver threw */
export async function watchChanges(database: Database, hearing: ChangeHearing): Promise<ChangeFeed> {
  const { onChange, onUnsure, onFault = () => {}, now, elapsed } = hearing;
  let closed = false;
  let failures = 0;
  let prunedAt = Number.NEGATIVE_INFINITY;
  const bell = createBell();

  const open = (): Promise<ChangeReader> => openChangeReader(database, { onNotice: bell.ring });
  let confirmed = { elapsed: elapsed(), now: now() };
  let reader: ChangeReader | undefined = await open();
  // What this process commits it hears of at once; the database may tell of it too, or may not.
  const unhear = database.hear((subjects) => onChange(subjects.map(subjectOf)));

  // What is cached while nothing can be confirmed may be wrong again by and by.
  const unsure = setInterval(onUnsure, SURE_MS).unref();

  async function look(): Promise<void> {
    const started = { elapsed: elapsed(), now: now() };
    try {
      if (reader === undefined) {
        reader = await open();
        // Whatever happened while there was none.
        onUnsure();
      }
      await reader.look({ onChange, onGap: onUnsure });
      failures = 0;
      confirmed = started;
      unsure.refresh();
    } catch (error) {
      // One of many: a database that is away fails every look.
      if (failures === 0) onFault(error);
      failures++;
      const broken = reader;
      reader = undefined;
      await broken?.close();
    }
  }

  async function prune(): Promise<void> {
    try {
      if (now() - prunedAt < PRUNE_EVERY_MS) return;
      prunedAt = now();
      while (!closed && (await pruneChanges(database, now())));
    } catch (error) {
      onFault(error);
    }
  }

  async function run(): Promise<void> {
    while (!closed) {
      const retryMs = Math.min(LONGEST_RETRY_MS, SHORTEST_RETRY_MS * 2 ** (failures - 1));
      await (failures === 0 ? bell.within(POLL_MS) : bell.after(retryMs));
      if (closed) break;
      await look();
      if (failures === 0 && !closed) await prune();
    }
    await reader?.close();
  }

  const running = run();
  return {
    // Of a machine that was suspended the one clock stood still meanwhile, and the other did not.
    isSure: () => elapsed() - confirmed.elapsed < LEASE_MS && Math.abs(now() - confirmed.now) < LEASE_MS,
    async close() {
      closed = true;
      clearInterval(unsure);
      unhear();
      bell.stop();
      await running;
    },
  };
}
