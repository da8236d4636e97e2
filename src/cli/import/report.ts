// Messages of an import on standard error: wrong lines, and how far it is.

/** How far an import is. */
export interface Progress {
  /** The gateway has acknowledged the file up to this line. */
  readonly line: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly failed: number;
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
  complain(complaints: readonly Complaint[]): Promise<void>;
  say(message: string): void;
  show(progress: Progress): void;
}

export function createReport(json: boolean): ImportReport {
  const { stderr } = process;
  const showsProgress = !json && stderr.isTTY;
  const write = (text: string): Promise<void> =>
    new Promise((resolve) => void stderr.write(showsProgress ? `\r\u001b[K${text}` : text, () => resolve()));
  return {
    async complain(complaints) {
      const lines = complaints.map(({ line, reason, message, field }) =>
        json ? JSON.stringify({ line, reason, message, field }) : `countersign: line ${line}: ${message}`,
      );
      if (lines.length > 0) await write(`${lines.join("\n")}\n`);
    },
    say(message) {
      void write(json ? `${JSON.stringify({ notice: message })}\n` : `countersign: ${message}\n`);
    },
    show({ line, failed }) {
      if (showsProgress) void write(`line ${line}, ${failed} failed`);
    },
  };
}
