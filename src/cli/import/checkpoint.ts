// How far an import has come, in a file beside the one that is imported. Knows no gateway.

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Position } from "../device-file/records.ts";
import { codeOf } from "../error-code.ts";
import { type CommandFailure, usageFailure } from "../output.ts";
import { draftOf, isNoFile } from "../whole-file.ts";

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

/** `subject` is what is imported, where to, and how: an import of anything else does not go on from here. */
export function createCheckpoint(path: string, subject: string): Checkpoint {
  return {
    read() {
      let text: string;
      try {
        text = readFileSync(path, "utf8");
      } catch (error) {
        if (codeOf(error) === "ENOENT") return undefined;
        throw unusable(path, error);
      }
      const kept = parse(text);
      // It is empty where the machine stopped as it was written, or is of another program. To begin anew is slower, and no worse.
      if (kept === undefined) return undefined;
      if (kept.subject !== subject) {
        throw usageFailure(
          `the file, its options or the gateway are not those that ${path} is of: something was changed since. To begin anew, give --restart: what is in already is found and left as it is`,
        );
      }
      return kept.progress;
    },
    write(progress) {
      if (isNoFile(path)) throw usageFailure(`${path} is no file, and cannot keep how far the import is`);
      const draft = draftOf(path);
      try {
        writeFileSync(draft, `${JSON.stringify({ subject, progress })}\n`, { flag: "wx" });
        renameSync(draft, path);
      } catch (error) {
        rmSync(draft, { force: true });
        throw unusable(path, error);
      }
    },
    remove: () => rmSync(path, { force: true }),
  };
}

function unusable(path: string, error: unknown): CommandFailure {
  return usageFailure(
    `${path}, which keeps how far the import is, cannot be used (${codeOf(error)}). Name another place with --checkpoint`,
  );
}

interface Kept {
  readonly subject: string;
  readonly progress: Progress;
}

/** What was kept; undefined: this is nothing that was written here. */
function parse(text: string): Kept | undefined {
  let kept: unknown;
  try {
    kept = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!hasMembers(kept, ["subject", "progress"])) return undefined;
  const { subject, progress } = kept;
  if (typeof subject !== "string" || !hasMembers(progress, ["next", "created", "updated", "unchanged", "failed"])) {
    return undefined;
  }
  const { next, created, updated, unchanged, failed } = progress;
  if (!hasMembers(next, ["offset", "line"])) return undefined;
  const { offset, line } = next;
  if (!isCount(offset) || !isCount(line) || line < 1) return undefined;
  if (!isCount(created) || !isCount(updated) || !isCount(unchanged) || !isCount(failed)) return undefined;
  return { subject, progress: { next: { offset, line }, created, updated, unchanged, failed } };
}

function hasMembers<Name extends string>(value: unknown, names: readonly Name[]): value is Record<Name, unknown> {
  return typeof value === "object" && value !== null && names.every((name) => Object.hasOwn(value, name));
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
