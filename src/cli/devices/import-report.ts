// Messages of an import on standard error: wrong lines, and how far it is.

/** How far an import is. */
export interface Progress {
  /** The gateway has acknowledged the file up to this line. */
  line: number;
  created: number;
  updated: number;
  unchanged: number;
  failed: number;
}

/** A line that did not go in. */
export interface Complaint {
  readonly line: number;
  readonly reason: string;
  readonly message: string;
  /** The wrong column; empty: none. */
  readonly field: string;
}

export interface ImportReport {
  complain(complaints: readonly Complaint[]): void;
  say(message: string): void;
  show(progress: Progress): void;
}

export function createReport(json: boolean): ImportReport {
  const { stderr } = process;
  const showsProgress = !json && stderr.isTTY;
  const write = (text: string): unknown => stderr.write(showsProgress ? `\r\u001b[K${text}` : text);
  return {
    complain(complaints) {
      const lines = complaints.map(({ line, reason, message, field }) =>
        json ? JSON.stringify({ line, reason, message, field }) : `countersign: line ${line}: ${message}`,
      );
      if (lines.length > 0) write(`${lines.join("\n")}\n`);
    },
    say: (message) => write(json ? `${JSON.stringify({ notice: message })}\n` : `countersign: ${message}\n`),
    show({ created, updated, unchanged, failed }) {
      if (showsProgress) write(`${created + updated + unchanged} devices, ${failed} failed`);
    },
  };
}
