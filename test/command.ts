// Runs a command in the test's own process, from its arguments to its output. Tests of the process itself (launcher, signals, exit)
// use test/program.ts.

import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
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
