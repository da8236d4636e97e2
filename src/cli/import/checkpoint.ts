// A file beside an unfinished import with its progress.

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { codeOf } from "../../setting-readers.ts";
import { usageFailure } from "../terminal/output.ts";

export interface Progress {
  /** The gateway has acknowledged the file up to this line. */
  readonly line: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly failed: number;
}

export const NOTHING_DONE: Progress = { line: 0, created: 0, updated: 0, unchanged: 0, failed: 0 };

export interface Checkpoint {
  /** The progress of this import; undefined: none. @throws CommandFailure for the progress of another import */
  read(): Progress | undefined;
  /** @throws CommandFailure */
  write(progress: Progress): void;
  remove(): void;
}

/** `subject` identifies the file, the gateway and the options. */
export function createCheckpoint(path: string, subject: string): Checkpoint {
  const unusable = (error: unknown): Error =>
    usageFailure(
      `${path}, the progress of the import, cannot be used (${codeOf(error)}). Name another place with --checkpoint`,
    );
  return {
    read() {
      let text: string;
      try {
        text = readFileSync(path, "utf8");
      } catch (error) {
        if (codeOf(error) === "ENOENT") return undefined;
        throw unusable(error);
      }
      const [, stored, numbers = ""] = /^(\w+)((?: \d{1,15}){5})\n$/.exec(text) ?? [];
      // A power cut leaves it empty. An import that begins anew is slower, and no worse.
      if (stored === undefined) return undefined;
      if (stored !== subject) {
        throw usageFailure(
          `${path} is the progress of another file, gateway or option. To begin anew, give --restart: devices that are in stay as they are`,
        );
      }
      const [line = 0, created = 0, updated = 0, unchanged = 0, failed = 0] = numbers.trim().split(" ").map(Number);
      return { line, created, updated, unchanged, failed };
    },
    write({ line, created, updated, unchanged, failed }) {
      const draft = `${path}.${process.pid}`;
      try {
        writeFileSync(draft, `${[subject, line, created, updated, unchanged, failed].join(" ")}\n`, { flag: "wx" });
        renameSync(draft, path);
      } catch (error) {
        rmSync(draft, { force: true });
        throw unusable(error);
      }
    },
    remove: () => rmSync(path, { force: true }),
  };
}
