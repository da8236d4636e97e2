// How far an import has come, in a file beside the one that is imported. Knows no gateway.

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Position } from "./device-records.ts";
import { CommandFailure } from "./output.ts";

export interface Progress {
  /** All before it was acknowledged. */
  readonly next: Position;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly failed: number;
}

export const NOTHING_DONE: Progress = {
  next: { offset: 0, line: 1 },
  created: 0,
  updated: 0,
  unchanged: 0,
  failed: 0,
};

export interface Checkpoint {
  /** Where the import is to go on; undefined: at the beginning. @throws CommandFailure when it was of something else */
  read(): Progress | undefined;
  /** Replaces the file at once: whoever reads it finds the one or the other. @throws CommandFailure */
  write(progress: Progress): void;
  remove(): void;
}

/** `subject` is what is imported, and how: an import of anything else does not go on from here. */
export function createCheckpoint(path: string, subject: string): Checkpoint {
  return {
    read() {
      let text: string;
      try {
        text = readFileSync(path, "utf8");
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw unusable(path, error);
      }
      const kept = parse(text);
      // It is empty where the machine stopped as it was written. To begin anew is slower, and no worse.
      if (kept === undefined) return undefined;
      if (kept.subject !== subject) {
        throw new CommandFailure(
          `the file or its options are not those that ${path} is of: it was changed since. To begin anew, give --restart: what is in already is found and left as it is`,
          {},
          2,
        );
      }
      return kept.progress;
    },
    write(progress) {
      try {
        const next = `${path}.new`;
        writeFileSync(next, `${JSON.stringify({ subject, progress })}\n`);
        renameSync(next, path);
      } catch (error) {
        throw unusable(path, error);
      }
    },
    remove: () => rmSync(path, { force: true }),
  };
}

function unusable(path: string, error: unknown): CommandFailure {
  const why = error instanceof Error && "code" in error ? error.code : "an error";
  return new CommandFailure(
    `${path}, which keeps how far the import is, cannot be used (${why}). Name another place with --checkpoint`,
    {},
    2,
  );
}

function parse(text: string): { subject: string; progress: Progress } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
