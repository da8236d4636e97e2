// Runs the command line in a process, with the launcher.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { adopt } from "./children.ts";

const LAUNCHER = join(import.meta.dirname, "../bin/countersign.js");

/** Node's arguments that the launcher adds. With them it does not start Node a second time. */
export const NODE_ARGUMENTS: readonly string[] = [
  "--max-semi-space-size=8",
  "--no-allocation-site-pretenuring",
  "--heap-growing-percent=60",
  "--expose-gc",
];
/** The launcher's settings for malloc, for a gateway whose memory is measured. */
export const MALLOC_SETTINGS = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "131072" };

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly nodeArguments?: readonly string[];
  readonly launcher?: string;
}

/** Creates a folder that is removed at the end of the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The environment without the shell's settings of a gateway, which must not reach the test. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN_")));
}

function start(
  args: readonly string[],
  { env = {}, nodeArguments = NODE_ARGUMENTS, launcher = LAUNCHER, before = [] }: LaunchOptions,
  stderr: "pipe" | number = "pipe",
): ChildProcess {
  const [program = "", ...words] = [...before, process.execPath, ...nodeArguments, launcher, ...args];
  const stdio = ["pipe" as const, "pipe" as const, stderr];
  return adopt(spawn(program, words, { env: { ...cleanEnvironment(), ...env }, stdio }));
}

export type Command = ChildProcess & { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable };

/** Starts a command. */
export function startCommand(args: readonly string[], options: RunOptions = {}): Command {
  const child = start(args, options);
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new TypeError("a stream is not piped");
  return Object.assign(child, { stdin, stdout, stderr });
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = startCommand(args, options);
  child.stdin.end(options.input ?? "");
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { status: Number(status), stdout, stderr };
}

export interface LaunchOptions extends RunOptions {
  /** A command line in front of Node's, such as prlimit's. */
  readonly before?: readonly string[];
  /** Standard error goes to this file rather than into memory. */
  readonly logFile?: string;
  /** How many characters at the log's end stay in memory; absent: all. */
  readonly logLength?: number;
  /** Registers a function that ends the process, unless it has ended before. */
  readonly atEnd?: (end: () => Promise<void>) => void;
}

export interface ServingProcess {
  readonly pid: number;
  readonly publicUrl: string;
  readonly internalUrl: string;
  /** Everything it wrote to standard error so far. */
  readonly log: () => string;
  /** Undefined while it runs; then its exit status or signal. */
  readonly ended: () => string | undefined;
  /** Sends signals, in order, and waits for the end. @returns the exit status */
  readonly end: (...signals: NodeJS.Signals[]) => Promise<number | null>;
}

/** For `env`: the default algorithm of tokens, RS256, whose keys take an eighth of a second to generate. */
export const DEFAULT_ALG = { COUNTERSIGN_TOKEN_ALG: "" };

/** Starts `serve` on free ports, and waits until it prints its addresses. */
export async function launch(args: readonly string[], options: LaunchOptions = {}): Promise<ServingProcess> {
  const { logFile, logLength = Number.POSITIVE_INFINITY } = options;
  const ports = { COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0", COUNTERSIGN_INTERNAL_LISTEN: "127.0.0.1:0" };
  const file = logFile === undefined ? undefined : openSync(logFile, "w");
  const child = start(["serve", "--json", ...args], { ...options, env: { ...ports, ...options.env } }, file);
  if (file !== undefined) closeSync(file);
  const { pid } = child;
  if (child.stdout === null || pid === undefined) throw new TypeError("a stream is not piped");
  let logged = "";
  child.stderr?.on("data", (chunk) => {
    logged = (logged + String(chunk)).slice(-logLength);
  });
  const log = (): string => (logFile === undefined ? logged : readFileSync(logFile, "utf8"));
  const exited = once(child, "exit");
  options.atEnd?.(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const first = await Promise.race([once(createInterface(child.stdout), "line"), exited.then(() => undefined)]);
  if (first === undefined) throw new Error(`serve ended: ${log()}`);
  const { public: publicUrl, internal: internalUrl } = JSON.parse(String(first[0]));
  return {
    pid,
    publicUrl,
    internalUrl,
    log,
    ended() {
      const { exitCode, signalCode } = child;
      return exitCode === null && signalCode === null ? undefined : String(exitCode ?? signalCode);
    },
    async end(...signals) {
      for (const signal of signals) child.kill(signal);
      const [status] = await exited;
      return status;
    },
  };
}

/** Starts `serve --dev` with a quick algorithm. It ends with the test, or when `atEnd` says. */
export function serve(
  dataDir: string,
  options: LaunchOptions = {},
  args: readonly string[] = [],
  atEnd: LaunchOptions["atEnd"] = onTestFinished,
): Promise<ServingProcess> {
  const env = { COUNTERSIGN_DATA_DIR: dataDir, COUNTERSIGN_TOKEN_ALG: "ES256", ...options.env };
  return launch(["--dev", ...args], { ...options, env, atEnd });
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The log of a process so far, without lines that are not its own. */
export function linesOf({ log }: Pick<ServingProcess, "log">): readonly LogLine[] {
  const lines = log().split("\n");
  return lines.filter((line) => line.startsWith("{")).map((line): LogLine => JSON.parse(line));
}
