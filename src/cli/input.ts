// Files, or standard input for `-`, that commands read as a whole.

import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { codeOf } from "./error-code.ts";
import { usageFailure } from "./output.ts";

/** The name of an input in messages. */
export function inputName(file: string): string {
  return file === "-" ? "standard input" : file;
}

/** @throws CommandFailure when it cannot be read */
export async function readInput(file: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return Buffer.from(file === "-" ? await buffer(process.stdin) : readFileSync(file));
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The failure of a file that cannot be read. */
export function unreadable(file: string, error: unknown): Error {
  return usageFailure(`${inputName(file)} cannot be read (${codeOf(error)})`);
}
