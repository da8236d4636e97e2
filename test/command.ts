// Runs commands in the test's own process. Tests of the process itself (launcher, signals, exit) use test/program.ts.

import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import type { GatewayOptions } from "../src/app.ts";
import { ADMIN_TOKEN, startFileGateway, startTestGateway, type TestGateway } from "./gateway.ts";
import { cleanEnvironment, type Outcome } from "./program.ts";

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input: its text, or a stream. */
  readonly input?: string | Readable;
}

let last: Promise<unknown> = Promise.resolve();

/** Runs a command to its end. Commands run one after the other, since they share one standard output. */
export function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const outcome = last.then(() => runAlone(args, options));
  last = outcome.catch(() => {});
  return outcome;
}

async function runAlone(args: readonly string[], { env = {}, input = "" }: CommandOptions): Promise<Outcome> {
  const { runCommandLine } = await import("../src/cli/program.ts");
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const printed = Promise.all([text(stdout), text(stderr)]);
  // Node does not print its warnings to these streams.
  const warn = ({ name, message }: Error): void => void stderr.write(`${name}: ${message}\n`);
  process.on("warning", warn);
  const own = Object.getOwnPropertyDescriptors(process);
  const replaced = {
    env: { ...cleanEnvironment(), ...env },
    stdin: typeof input === "string" ? Readable.from(input === "" ? [] : [Buffer.from(input)]) : input,
    stdout,
    stderr,
  };
  for (const [name, value] of Object.entries(replaced)) {
    Object.defineProperty(process, name, { configurable: true, enumerable: true, writable: true, value });
  }
  const status = await runCommandLine(args).finally(() => {
    const { env: environment, stdin, stdout: output, stderr: errors } = own;
    Object.defineProperties(process, { env: environment, stdin, stdout: output, stderr: errors });
    process.off("warning", warn);
    for (const stream of [stdout, stderr]) stream.end();
  });
  const [out, error] = await printed;
  return { status, stdout: out, stderr: error };
}

/** The whole output, or a pattern of it. */
type Output = string | RegExp;

/** Where a member is absent, the command succeeds and prints nothing there. */
interface ExpectedOutcome {
  readonly status?: number;
  readonly stdout?: Output;
  readonly stderr?: Output;
}

/** The words of a command line, without their quotes. */
export function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)];
  return words.map(([, single, double, bare]) => single ?? double ?? bare ?? "");
}

/** Starts a gateway for the tests of the calling file. */
export async function startFileOperator(options: GatewayOptions = {}) {
  return operatorOf(await startFileGateway({}, options));
}

/** Starts a gateway for the calling test. */
export async function startTestOperator(options: GatewayOptions = {}) {
  return operatorOf(await startTestGateway({}, options));
}

function operatorOf(gateway: TestGateway) {
  const env = { COUNTERSIGN_INTERNAL_URL: gateway.internalUrl, COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN };

  function operate(line: string, options: CommandOptions = {}) {
    return runCommand(wordsOf(line), { ...options, env: { ...env, ...options.env } });
  }

  return {
    gateway,
    /** The environment of the commands. */
    env,
    operate,
    /** Runs a command, and compares its exit status and everything that it prints. */
    async expectOutput(line: string, expected: Output | ExpectedOutcome, options?: CommandOptions) {
      const isOutput = typeof expected === "string" || expected instanceof RegExp;
      const { status = 0, stdout = "", stderr = "" } = isOutput ? { stdout: expected } : expected;
      const matching = (output: Output) => (output instanceof RegExp ? expect.stringMatching(output) : output);
      const outcome = { status, stdout: matching(stdout), stderr: matching(stderr) };
      expect(await operate(line, options), line).toEqual(outcome);
    },
    /** Runs a command with --json. @returns the printed objects, one for each line. @throws Error when it fails */
    async operateJson(line: string, options?: CommandOptions): Promise<readonly Record<string, unknown>[]> {
      const { status, stdout, stderr } = await operate(`${line} --json`, options);
      if (status !== 0) throw new Error(stderr);
      return stdout.split("\n").flatMap((printed) => (printed === "" ? [] : [JSON.parse(printed)]));
    },
  };
}
