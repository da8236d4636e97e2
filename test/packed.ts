// Packs what would be published, and installs it as a dependency. Leaves dist/ alone: other tests may be packing too.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { temporaryFolder } from "./program.ts";

/**
 * Installs the packed tarball into `folder`/node_modules, where Node strips no types, with this checkout's dependencies for its own
 * and those in `others` beside it, for whoever imports them too. @returns where it is installed
 */
export function installPacked(folder: string, others: readonly string[] = []): string {
  const staging = temporaryFolder();
  const { files } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const file of [...files, "package.json", "README.md"]) {
    if (file !== "dist") cpSync(file, join(staging, file), { recursive: true });
  }
  const typescript = resolve("node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [typescript, "-p", "tsconfig.build.json", "--outDir", join(staging, "dist")]);
  const pack = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder];
  const tarball = execFileSync("npm", pack, { cwd: staging, encoding: "utf8" }).trim();

  const modules = join(folder, "node_modules");
  const installed = join(modules, "countersign");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, tarball), "-C", installed, "--strip-components=1"]);
  symlinkSync(resolve("node_modules"), join(installed, "node_modules"));
  for (const other of others) {
    mkdirSync(dirname(join(modules, other)), { recursive: true });
    symlinkSync(resolve("node_modules", other), join(modules, other));
  }
  return installed;
}
