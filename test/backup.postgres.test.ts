// Backups of PostgreSQL, made and restored as docs/secrets.md says.

import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { tellBackupStory } from "./backup-story.ts";
import { exampleOf, makeNpx, runShell } from "./pages.ts";
import { findProgram } from "./postgres/server.ts";
import { temporaryFolder } from "./program.ts";
import { emptyPostgres, execute } from "./store/connections.ts";

const PAGE = "docs/secrets.md";

test("a dump made while a gateway writes restores the registry of that moment", async () => {
  const cwd = temporaryFolder();
  const { url } = await emptyPostgres();
  const restoredUrl = await asPlainUser((await emptyPostgres()).url);
  const folders = [makeNpx(), dirname(findProgram("pg_dump"))];
  const shellOn = (databaseUrl: string) => ({ cwd, env: { COUNTERSIGN_DATABASE_URL: databaseUrl }, folders });
  const restore = exampleOf(PAGE, "sh", "npx countersign restore");
  await tellBackupStory({
    settings: { DATA_DIR: cwd, DATABASE_URL: url },
    restoredSettings: { DATA_DIR: cwd, DATABASE_URL: restoredUrl },
    async backUp() {
      const backUp = exampleOf(PAGE, "sh", "npx countersign backup");
      await expect(runShell(backUp, shellOn(restoredUrl))).rejects.toThrow("has no registry");
      await runShell(backUp, shellOn(url));
    },
    async restore() {
      await expect(runShell(restore, shellOn(url))).rejects.toThrow("has a registry already");
      await runShell(restore, shellOn(restoredUrl));
    },
  });
});

/** The URL of a user with only the rights of a gateway, which cannot create databases. */
async function asPlainUser(url: string): Promise<string> {
  const [name, password] = [`plain_${randomBytes(6).toString("hex")}`, randomBytes(12).toString("hex")];
  await execute(url, `create role ${name} login password '${password}'`);
  await execute(url, `grant create on schema public to ${name}`);
  const plain = new URL(url);
  plain.username = name;
  plain.password = password;
  return plain.href;
}
