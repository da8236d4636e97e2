// What an import says while it goes on, all of it on standard error: a bar for whoever watches, and each line that is wrong.
// Knows no gateway.

import { SingleBar } from "cli-progress";
import type { Progress } from "./checkpoint.ts";

/** A line that did not go in. */
export interface Complaint {
  readonly line: number;
  readonly reason: string;
  readonly message: string;
  /** The column that is wrong; empty: none. */
  readonly field: string;
}

export interface ImportReport {
  /** Tells of lines, at the pace of whoever reads. */
  complain(complaints: readonly Complaint[]): Promise<void>;
  /** Something that whoever waits should know. */
  say(message: string): void;
  show(progress: Progress): void;
  /** Takes the bar away. */
  end(): void;
}

/** `size`: of the file, in bytes; undefined: there is nothing to show progress against. */
export function createReport(json: boolean, size: number | undefined): ImportReport {
  const { stderr } = process;
  const bar =
    json || !stderr.isTTY || size === undefined
      ? undefined
      : new SingleBar({
          format: "{bar} {percentage}%  {devices} devices, {failed} failed  {eta_formatted} to go",
          stream: stderr,
          hideCursor: null,
          clearOnComplete: true,
          etaBuffer: 100,
        });
  bar?.start(size ?? 0, 0, { devices: 0, failed: 0 });

  function print(lines: readonly string[]): Promise<void> {
    // In place of the bar, which is drawn anew below.
    const text = lines.map((line) => (bar === undefined ? `${line}\n` : `\r\u001b[K${line}\n`)).join("");
    return new Promise((resolve) => {
      stderr.write(text, () => resolve());
    });
  }

  return {
    async complain(complaints) {
      if (complaints.length === 0) return;
      await print(
        complaints.map(({ line, reason, message, field }) =>
          json ? JSON.stringify({ line, reason, message, field }) : `countersign: line ${line}: ${message}`,
        ),
      );
    },
    say(message) {
      void print([json ? JSON.stringify({ notice: message }) : `countersign: ${message}`]);
    },
    show({ next, created, updated, unchanged, failed }) {
      bar?.update(next.offset, { devices: created + updated + unchanged, failed });
    },
    end() {
      bar?.stop();
    },
  };
}
