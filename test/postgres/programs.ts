// Finds PostgreSQL's programs, and the user to run the server, which refuses to run as root.

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";

/** Finds a program in Debian's newest folder, then in PATH, which has only the clients. @throws Error when it is missing */
export function findProgram(name: string): string {
  const [newest] = globSync("/usr/lib/postgresql/*/bin").sort((a, b) => versionOf(b) - versionOf(a));
  for (const path of newest === undefined ? [name] : [join(newest, name), name]) {
    if (spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0) return path;
  }
  throw new Error(`PostgreSQL's ${name} is not installed`);
}

function versionOf(folder: string): number {
  return Number(/postgresql\/([\d.]+)\//.exec(folder)?.[1]);
}

/** Whether there is a server to start. */
export function hasPostgres(): boolean {
  try {
    findProgram("initdb");
    return true;
  } catch {
    return false;
  }
}

/** The server's user, for `spawn`; empty: the user of the tests. */
export function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    const uid = idOf("-u", name);
    const gid = idOf("-g", name);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error("there is no user postgres or nobody to run PostgreSQL as");
}

function idOf(what: "-u" | "-g", name: string): number | undefined {
  const { status, stdout } = spawnSync("id", [what, name], { encoding: "utf8" });
  return status === 0 ? Number(stdout) : undefined;
}
