// Runs the command line as a user does: the launcher, in a process of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

const LAUNCHER = join(import.meta.dirname, "../bin/countersign.js");

/** The launcher's own arguments: without them it would start Node twice. */
export const NODE_ARGUMENTS: readonly string[] = ["--max-semi-space-size=8", "--expose-gc"];

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly nodeArguments?: readonly string[];
  readonly launcher?: string;
}

/** A folder that goes when the test does. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function start(
  args: readonly string[],
  { env = {}, nodeArguments = NODE_ARGUMENTS, launcher = LAUNCHER }: RunOptions,
): ChildProcess {
  // The shell's settings must not reach the test.
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN_"));
  return spawn(process.execPath, [...nodeArguments, launcher, ...args], {
    env: { ...Object.fromEntries(clean), ...env },
    stdio: "pipe",
  });
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = start(args, options);
  if (child.stdin === null || child.stdout === null || child.stderr === null)
    throw new TypeError("the streams are piped");
  child.stdin.end(options.input ?? "");
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { status: Number(status), stdout, stderr };
}

export interface ServingProcess {
  readonly pid: number;
  readonly publicUrl: string;
  readonly internalUrl: string;
  /** Everything it wrote to standard error so far. */
  readonly log: () => string;
  /** Sends signals, in order, and waits for the end. @returns the exit status */
  readonly end: (...signals: NodeJS.Signals[]) => Promise<number | null>;
}

/** To be added to `env`: the algorithm of tokens is the default, whose keys take an eighth of a second to make. */
export const DEFAULT_ALG = { COUNTERSIGN_TOKEN_ALG: "" };

/**
 * Starts `serve --dev` on free ports and waits until it says where it listens. It ends with the test at the latest, unless
 * `atEnd` registers its end for later.
 */
export async function serve(
  dataDir: string,
  options: RunOptions = {},
  args: readonly string[] = [],
  atEnd: (end: () => Promise<void>) => void = onTestFinished,
): Promise<ServingProcess> {
  const child = start(["serve", "--dev", "--json", ...args], {
    ...options,
    env: {
      COUNTERSIGN_DATA_DIR: dataDir,
      COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0",
      COUNTERSIGN_INTERNAL_LISTEN: "127.0.0.1:0",
      COUNTERSIGN_TOKEN_ALG: "ES256",
      ...options.env,
    },
  });
  const { pid } = child;
  if (child.stdout === null || child.stderr === null || pid === undefined) throw new TypeError("the streams are piped");
  let log = "";
  child.stderr.on("data", (chunk) => {
    log += String(chunk);
  });
  const exited = once(child, "exit");
  atEnd(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const first = await Promise.race([once(createInterface(child.stdout), "line"), exited.then(() => undefined)]);
  if (first === undefined) throw new Error(`serve ended: ${log}`);
  const { public: publicUrl, internal: internalUrl } = JSON.parse(String(first[0]));
  return {
    pid,
    publicUrl,
    internalUrl,
    log: () => log,
    async end(...signals) {
      for (const signal of signals) child.kill(signal);
      const [status] = await exited;
      return status;
    },
  };
}
