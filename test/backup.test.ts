// Backups of SQLite, made and restored as docs/secrets.md says.

import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exampleOf, makeNpx, runShell } from "./pages.ts";
import { run, temporaryFolder } from "./program.ts";
import { expectToRestore } from "./registry-copy.ts";

test("a backup made while a gateway writes restores the registry of that moment", async () => {
  const cwd = temporaryFolder();
  const data = join(cwd, "data");
  const shell = { cwd, folders: [makeNpx()] };
  const follow = (name: "backup" | "restore") =>
    runShell(exampleOf("docs/secrets.md", "sh", `npx countersign ${name}`), shell);
  await expectToRestore({
    settings: { DATA_DIR: data },
    restoredSettings: { DATA_DIR: data },
    async backUp() {
      await follow("backup");
      expect(statSync(join(cwd, "countersign.backup")).mode & 0o777).toBe(0o600);
      await expect(follow("backup")).rejects.toThrow("exists. Name a new file");
    },
    async restore() {
      await expect(follow("restore")).rejects.toThrow("there is a database already");
      mkdirSync(join(cwd, "away"));
      for (const file of ["countersign.db", "countersign.db-wal", "countersign.db-shm"]) {
        if (existsSync(join(data, file))) renameSync(join(data, file), join(cwd, "away", file));
      }
      await follow("restore");
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
  expect(existsSync(join(folder, "new"))).toBe(false);
  expect(existsSync(join(folder, "data", "countersign.db"))).toBe(false);
});
