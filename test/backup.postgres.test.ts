// Backups of PostgreSQL, as docs/secrets.md tells to make and to restore them.

import { dirname } from "node:path";
import { test } from "vitest";
import { tellBackupStory } from "./backup-story.ts";
import { commandOf, runShell } from "./docs.ts";
import { findProgram } from "./postgres/programs.ts";
import { temporaryFolder } from "./program.ts";
import { emptyPostgres } from "./store/connections.ts";

const PAGE = "docs/secrets.md";

test("a dump that is made while a gateway writes is whole, and brings back what was then", async () => {
  const cwd = temporaryFolder();
  const { url } = await emptyPostgres();
  const { url: restoredUrl } = await emptyPostgres();
  const shell = {
    cwd,
    env: { COUNTERSIGN_DATABASE_URL: url, RESTORED_URL: restoredUrl },
    folders: [dirname(findProgram("pg_dump"))],
  };
  await tellBackupStory({
    settings: { DATA_DIR: cwd, DATABASE_URL: url },
    restoredSettings: { DATA_DIR: cwd, DATABASE_URL: restoredUrl },
    backUp: () => runShell(commandOf(PAGE, "pg_dump"), shell),
    restore: () => runShell(commandOf(PAGE, "pg_restore"), shell),
  });
});
