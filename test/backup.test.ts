// Backups of SQLite, made and restored as docs/secrets.md says.

import { mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tellBackupStory } from "./backup-story.ts";
import { exampleOf, makeNpx, runShell } from "./pages.ts";
import { run, temporaryFolder } from "./program.ts";

const PAGE = "docs/secrets.md";
const FILES = ["countersign.db", "countersign.db-wal", "countersign.db-shm"];

test("a backup made while a gateway writes restores the registry of that moment", async () => {
  const cwd = temporaryFolder();
  const shell = { cwd, folders: [makeNpx()] };
  const data = join(cwd, "data");
  const settings = { DATA_DIR: data };
  await tellBackupStory({
    settings,
    restoredSettings: settings,
    async backUp() {
      await runShell(exampleOf(PAGE, "sh", "npx countersign backup"), shell);
      expect(statSync(join(cwd, "countersign.backup")).mode & 0o777).toBe(0o600);
      await expect(runShell(exampleOf(PAGE, "sh", "npx countersign backup"), shell)).rejects.toThrow(
        "exists. Name a new file",
      );
    },
    async restore() {
      const restore = exampleOf(PAGE, "sh", "npx countersign restore");
      await expect(runShell(restore, shell)).rejects.toThrow("there is a database already");
      mkdirSync(join(cwd, "away"));
      for (const file of FILES) if (isThere(join(data, file))) renameSync(join(data, file), join(cwd, "away", file));
      await runShell(restore, shell);
    },
  });
});

test.each([
  ["no database at all", ["backup", "--output", "new"], "there is no database at"],
  ["a backup that is not a database", ["restore", "cut"], "is not a complete SQLite backup"],
  ["a missing backup", ["restore", "missing"], "there is no file"],
])("refuses %s, and leaves nothing", async (_name, words, message) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "cut"), "SQLite format 3");
  const args = words.map((word) => (["new", "cut", "missing"].includes(word) ? join(folder, word) : word));
  const { status, stderr } = await run(args, { env: { COUNTERSIGN_DATA_DIR: join(folder, "data") } });
  expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
  expect(isThere(join(folder, "new"))).toBe(false);
  expect(isThere(join(folder, "data", "countersign.db"))).toBe(false);
});

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
