// Runs the command line in processes, with the launcher. They end with this process.

import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

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
/** For `env`: the default algorithm of tokens, RS256, whose keys take an eighth of a second to generate. */
export const DEFAULT_ALG = { COUNTERSIGN_TOKEN_ALG: "" };

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Ends a child with this process. @returns the child */
export function adopt<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  for (const end of ["exit", "error"]) child.once(end, () => running.delete(child));
  return child;
}

/** Whether an adopted child runs. */
export const isRunning = (child: ChildProcess) => running.has(child);

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

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits for the end of a process. Its status is null after a signal. */
export async function outcomeOf(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Promise<Outcome> {
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { status, stdout, stderr };
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly nodeArguments?: readonly string[];
  readonly launcher?: string;
  /** A command line in front of Node's, such as prlimit's. */
  readonly before?: readonly string[];
}

/** The arguments of `spawn` for a command. */
function spawnArguments(args: readonly string[], options: RunOptions) {
  const { env = {}, nodeArguments = NODE_ARGUMENTS, launcher = LAUNCHER, before = [] } = options;
  const [program = "", ...words] = [...before, process.execPath, ...nodeArguments, launcher, ...args];
  return [program, words, { ...cleanEnvironment(), ...env }] as const;
}

/** Starts a command. */
export function startCommand(args: readonly string[], options: RunOptions = {}) {
  const [program, words, env] = spawnArguments(args, options);
  return adopt(spawn(program, words, { env }));
}

/** Runs a command to its end, without input. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = startCommand(args, options);
  child.stdin.end();
  return outcomeOf(child);
}

export interface LaunchOptions extends RunOptions {
  /** Standard error goes to this file rather than into memory. */
  readonly logFile?: string;
  /** How many characters at the log's end stay in memory; absent: all. */
  readonly logLength?: number;
  /** Registers a function that ends the process, unless it has ended before. */
  readonly atEnd?: (end: () => Promise<void>) => void;
}

export type ServingProcess = Awaited<ReturnType<typeof launch>>;

/** Starts `serve` on free ports, and waits until it prints its addresses. */
export async function launch(args: readonly string[], options: LaunchOptions = {}) {
  const { logFile, logLength = Number.POSITIVE_INFINITY } = options;
  const ports = { COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0", COUNTERSIGN_INTERNAL_LISTEN: "127.0.0.1:0" };
  const serving = { ...options, env: { ...ports, ...options.env } };
  const [program, words, env] = spawnArguments(["serve", "--json", ...args], serving);
  const file = logFile === undefined ? undefined : openSync(logFile, "w");
  const child = adopt(spawn(program, words, { env, stdio: ["ignore", "pipe", file ?? "pipe"] }));
  if (file !== undefined) closeSync(file);
  const { pid } = child;
  if (child.stdout === null || pid === undefined) throw new TypeError("a stream is not piped");
  let logged = "";
  child.stderr?.on("data", (chunk) => {
    logged = (logged + String(chunk)).slice(-logLength);
  });
  /** Everything it wrote to standard error so far. */
  const log = (): string => (logFile === undefined ? logged : readFileSync(logFile, "utf8"));
  const exited = once(child, "exit");

  /** Sends signals, in order, and waits for the end. @returns the exit status */
  async function end(...signals: NodeJS.Signals[]): Promise<number | null> {
    for (const signal of signals) child.kill(signal);
    const [status] = await exited;
    return status;
  }

  options.atEnd?.(async () => void (await end("SIGKILL")));
  const first = await Promise.race([once(createInterface(child.stdout), "line"), exited.then(() => undefined)]);
  if (first === undefined) throw new Error(`serve ended: ${log()}`);
  const addresses: { readonly public: string; readonly internal: string } = JSON.parse(String(first[0]));
  return {
    pid,
    publicUrl: addresses.public,
    internalUrl: addresses.internal,
    log,
    end,
    /** Undefined while it runs; then its exit status or signal. */
    ended() {
      const { exitCode, signalCode } = child;
      return exitCode === null && signalCode === null ? undefined : String(exitCode ?? signalCode);
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
