// A SQLite store in a folder of its own, for the test that asks.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { migrate } from "../../src/store/migrations.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createStore, type Store } from "../../src/store/sql.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

const MASTER_KEY = Buffer.alloc(32, 1);

export interface TestDatabase {
  readonly store: Store;
  /** What the store has told of secrets that do not open. */
  readonly faults: readonly unknown[];
  readonly folder: string;
  readonly path: string;
  /** Another connection to the same file, as another process has. */
  reopen(masterKey?: Uint8Array): Promise<Store>;
  close(): Promise<void>;
}

/** Opens it; it goes when the test ends. */
export async function openDatabase(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "countersign.db");
  const faults: unknown[] = [];

  async function open(masterKey: Uint8Array): Promise<{ store: Store; close: () => Promise<void> }> {
    const db = openSqlite(path);
    onTestFinished(() => db.destroy());
    await migrate(db);
    return {
      store: createStore(db, createSealer(masterKey), (fault) => faults.push(fault)),
      close: () => db.destroy(),
    };
  }

  const { store, close } = await open(MASTER_KEY);
  return {
    store,
    faults,
    folder,
    path,
    async reopen(masterKey = MASTER_KEY) {
      return (await open(masterKey)).store;
    },
    close,
  };
}
