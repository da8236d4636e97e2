// Writes a file whole or not at all.

import { randomBytes } from "node:crypto";
import { lstatSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { codeOf } from "../setting-readers.ts";
import { usageFailure } from "./terminal/output.ts";

/** An unguessable name beside a file for its draft, to be created with the flag `wx`. */
function draftOf(file: string): string {
  return `${file}.${randomBytes(6).toString("hex")}.part`;
}

/** Whether something is there that is no file: a device, a pipe, a link to whatever. It must not be put aside for one. */
export function isNoFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === false;
}

/**
 * Writes a file, which is replaced once the new one is whole; where something else than a file is there, it is written into.
 * @throws CommandFailure when it cannot be written, and what the parts throw
 */
export async function writeWhole(file: string, parts: AsyncIterable<string>): Promise<void> {
  const straight = await writing(file, async () => isNoFile(file));
  const target = straight ? file : draftOf(file);
  const handle = await writing(file, () => open(target, straight ? "w" : "wx", 0o600));
  try {
    try {
      for await (const part of parts) await writing(file, () => handle.appendFile(part));
    } finally {
      await handle.close();
    }
    if (!straight) await writing(file, () => rename(target, file));
  } catch (error) {
    if (!straight) await rm(target, { force: true });
    throw error;
  }
}

async function writing<Result>(file: string, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw usageFailure(`${file} cannot be written (${codeOf(error)})`);
  }
}
