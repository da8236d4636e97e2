// The packed tarball, installed under node_modules, serves and logs in.

import { join } from "node:path";
import { expect, test } from "vitest";
import { installPacked } from "./packed.ts";
import { DEFAULT_ALG, run, serve, temporaryFolder } from "./program.ts";

test("the packed tarball runs from node_modules", async () => {
  const folder = temporaryFolder();
  const launcher = join(await installPacked(folder), "bin", "countersign.js");
  const dataDir = join(folder, "data");
  const { publicUrl } = await serve(dataDir, { launcher, env: DEFAULT_ALG });
  const { status, stdout } = await run(["login", "--demo", "--url", publicUrl], {
    launcher,
    env: { COUNTERSIGN_DATA_DIR: dataDir },
  });
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^eyJ/)]);
});
