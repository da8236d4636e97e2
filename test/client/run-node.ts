// A program of Node's in a folder of a test's own, run to its end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** @returns the exit status and everything that was written */
export async function runNode(
  cwd: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<[unknown, string]> {
  const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env } });
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return [status, out + err];
}
