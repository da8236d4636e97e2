// What is published: the packed tarball, installed where Node strips no types, serves and logs in.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { run, serve, temporaryFolder } from "./program.ts";

test("the packed tarball runs from node_modules", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const packed = spawnSync("npm", ["pack", "--silent", "--pack-destination", folder], { encoding: "utf8" });
  expect(packed.status, packed.stderr).toBe(0);
  const installed = join(folder, "node_modules", "countersign");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, packed.stdout.trim()), "-C", installed, "--strip-components=1"]);
  symlinkSync(resolve("node_modules"), join(installed, "node_modules"));

  const launcher = join(installed, "bin", "countersign.js");
  const dataDir = join(folder, "data");
  const { publicUrl } = await serve(dataDir, { launcher });
  const { status, stdout } = await run(["login", "--demo", "--url", publicUrl], {
    launcher,
    env: { COUNTERSIGN_DATA_DIR: dataDir },
  });
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^eyJ/)]);
});
