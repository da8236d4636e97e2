// Backups of SQLite's file, in one transaction that blocks no writer.

import { closeSync, copyFileSync, existsSync, openSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** A backup or restore cannot be made; the message says why, and the cure. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}

/** Copies the committed content into a new file that only its owner can read. @throws BackupError */
export function backUpSqlite(path: string, output: string): void {
  if (!existsSync(path)) throw new BackupError(`there is no database at ${path}. Set COUNTERSIGN_DATA_DIR`);
  createOwnFile(output);
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    database.prepare("vacuum into ?").run(output);
  } catch (error) {
    rmSync(output, { force: true });
    throw error;
  }
}

/** Copies a backup to a path without a database. @throws BackupError */
export function restoreSqlite(path: string, input: string): void {
  // SQLite would replay a journal of another database into this one.
  const left = ["", "-wal", "-shm"].map((end) => `${path}${end}`).filter((file) => existsSync(file));
  if (left.length > 0) {
    throw new BackupError(`there is a database already. Stop every gateway on it and move away: ${left.join(" ")}`);
  }
  requireWhole(input);
  createOwnFile(path);
  copyFileSync(input, path);
}

function requireWhole(input: string): void {
  if (!existsSync(input)) throw new BackupError(`there is no file ${input}`);
  try {
    using database = new DatabaseSync(input, { readOnly: true });
    const found = database.prepare("pragma integrity_check").get();
    if (found?.["integrity_check"] === "ok" && isRegistry(database)) return;
  } catch {
    // Not a file of SQLite.
  }
  throw new BackupError(`${input} is not a complete SQLite backup`);
}

function isRegistry(database: DatabaseSync): boolean {
  return database.prepare("select 1 from sqlite_schema where name = 'kysely_migration'").get() !== undefined;
}

/** @throws BackupError when the file exists or cannot be made */
export function createOwnFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    throw new BackupError(isThere ? `${path} exists. Name a new file` : `${path} cannot be made`, { cause: error });
  }
}
