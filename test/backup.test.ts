// Backups of SQLite, as docs/secrets.md tells to make and to restore them.

import { join } from "node:path";
import { test } from "vitest";
import { tellBackupStory } from "./backup-story.ts";
import { commandOf, runShell } from "./docs.ts";
import { makeNpx } from "./npx.ts";
import { temporaryFolder } from "./program.ts";

const PAGE = "docs/secrets.md";

test("a backup that is made while a gateway writes is whole, and brings back what was then", async () => {
  const cwd = temporaryFolder();
  const folders = [makeNpx()];
  const settings = { DATA_DIR: join(cwd, "data") };
  await tellBackupStory({
    settings,
    restoredSettings: settings,
    async backUp() {
      // Each takes the place of the one before.
      for (let time = 0; time < 2; time++) await runShell(commandOf(PAGE, "npx node -e"), { cwd, folders });
    },
    async restore() {
      await runShell(commandOf(PAGE, "rm -f data"), { cwd });
    },
  });
});
