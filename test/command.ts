// Runs a command in the test's own process, through a command line's whole way from its words to what it prints: for what a command
// does, which takes no process. What a process has of its own (the launcher, signals, its end) is for test/program.ts.

import { Readable, Writable } from "node:stream";
import type { Outcome } from "./program.ts";

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input: its text, or a stream. */
  readonly input?: string | Readable;
}

let last: Promise<unknown> = Promise.resolve();

/** Runs a command to its end; after those that were asked for before it, since they share one standard output. */
export function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const outcome = last.then(() => runAlone(args, options));
  last = outcome.catch(() => {});
  return outcome;
}

async function runAlone(args: readonly string[], { env = {}, input = "" }: CommandOptions): Promise<Outcome> {
  const { runCommandLine } = await import("../src/cli/program.ts");
  const stdout = collect();
  const stderr = collect();
  // Node prints its warnings past these streams.
  const warn = ({ name, message }: Error): void => void stderr.stream.write(`${name}: ${message}\n`);
  process.on("warning", warn);
  // The shell's settings must not reach the test.
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN_"));
  const restore = replace({
    env: { ...Object.fromEntries(clean), ...env },
    stdin: typeof input === "string" ? Readable.from(input === "" ? [] : [Buffer.from(input)]) : input,
    stdout: stdout.stream,
    stderr: stderr.stream,
  });
  try {
    const status = await runCommandLine(args);
    return { status, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    restore();
    process.off("warning", warn);
  }
}

/** Puts others in place of what a process has. @returns what takes them away again */
function replace(others: Readonly<Record<string, unknown>>): () => void {
  const before = Object.keys(others).map((name) => [name, Object.getOwnPropertyDescriptor(process, name)] as const);
  for (const [name, value] of Object.entries(others)) {
    Object.defineProperty(process, name, { configurable: true, enumerable: true, writable: true, value });
  }
  return () => {
    for (const [name, descriptor] of before) if (descriptor) Object.defineProperty(process, name, descriptor);
  };
}

function collect(): { readonly stream: Writable; readonly text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
}
