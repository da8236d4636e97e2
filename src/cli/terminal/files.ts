// Reads and writes the files of commands: inputs and secrets.

import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { codeOf } from "../../setting-readers.ts";
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

/** A secret as derive-key prints it, after its device_key. */
const NAMED = /^\S+\s+[0-9a-f]{64}\s*$/i;

/**
 * Reads a secret from a file, or from standard input for `-`; one line break at the end is not part of it.
 * @throws CommandFailure unless the content is exactly one secret
 */
export async function readSecret(file: string): Promise<string> {
  const name = inputName(file);
  const bytes = await readInput(file);
  if (!isUtf8(bytes)) throw usageFailure(`${name} is not UTF-8. A secret is text in UTF-8`);
  const secret = bytes.toString("utf8").replace(/\r?\n$/, "");
  if (secret.startsWith("\ufeff")) throw usageFailure(`${name} begins with a byte order mark. Save it without one`);
  if (secret === "") throw usageFailure(`${name} is empty. It must hold the secret`);
  if (/[\r\n]/.test(secret)) throw usageFailure(`${name} has several lines. It must hold the secret alone`);
  if (NAMED.test(secret)) {
    throw usageFailure(`${name} has a name before the secret. It must hold the 64 digits alone`);
  }
  return secret;
}

/** Makes a secret, and writes it to a new file if one is named. The file is created first, so that no secret gets lost. */
export async function writeSecret<Made>(
  file: string | undefined,
  make: () => Promise<Made>,
  secretOf: (made: Made) => string,
): Promise<Made> {
  if (file === undefined) return make();
  return writeNewFile(file, async (handle) => {
    const made = await make();
    await handle.writeFile(`${secretOf(made)}\n`);
    return made;
  });
}

/**
 * Creates a file that only its owner can read, and removes it again when `write` fails.
 * @throws CommandFailure when the file exists or cannot be written
 */
export async function writeNewFile<Result>(
  file: string,
  write: (handle: FileHandle) => Promise<Result>,
): Promise<Result> {
  const explain = (error: unknown): unknown => {
    if (!(error instanceof Error && "syscall" in error)) return error;
    const code = codeOf(error);
    return usageFailure(`${file} ${code === "EEXIST" ? "exists. Name a new file" : `cannot be written (${code})`}`);
  };
  const handle = await open(file, "wx", 0o600).catch((error: unknown) => {
    throw explain(error);
  });
  try {
    return await write(handle);
  } catch (error) {
    await rm(file, { force: true });
    throw explain(error);
  } finally {
    await handle.close();
  }
}
