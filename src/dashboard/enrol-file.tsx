// Enrols devices from a CSV file: progress, bad rows, and resuming.

import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { COLUMNS } from "../cli/device-file/row.ts";
import { type ImportProgress, importDevices } from "./device-file.ts";
import { Field } from "./fields.tsx";
import { useAction } from "./loading.ts";
import { FailureNotice, Notice, saveFile } from "./parts.tsx";
import { Table } from "./table.tsx";
import { countText, numberText } from "./words.ts";

export function EnrolFile(): VNode {
  const [file, setFile] = useState<File>();
  return (
    <section class="card stack" aria-label="CSV file">
      <p class="quiet">
        The first line names the columns: <code>device_key,customer_id</code> and, if wanted,{" "}
        <code>{COLUMNS.slice(2).join(",")}</code>. Devices that are enrolled already are changed. Choose the same file
        again to continue an import that stopped.
      </p>
      <Field label="Choose a file, or drop it here">
        {(id) => (
          <input
            {...id}
            class="drop"
            type="file"
            accept=".csv,text/csv"
            onChange={({ currentTarget }) => setFile(currentTarget.files?.[0])}
          />
        )}
      </Field>
      {file !== undefined && <Import key={resumeKeyOf(file)} file={file} />}
    </section>
  );
}

/** Names a file without its content: a changed file has another size or date. */
function resumeKeyOf({ name, size, lastModified }: File): string {
  return `countersign import ${name} ${size} ${lastModified}`;
}

function Import({ file }: { readonly file: File }) {
  const [progress, setProgress] = useState<ImportProgress>();
  const [isDone, setDone] = useState(false);
  const stop = useRef<AbortController>(undefined);
  const action = useAction();
  const resumeKey = resumeKeyOf(file);
  const resumeAt = Number(localStorage.getItem(resumeKey) ?? 0);

  async function run(): Promise<void> {
    stop.current = new AbortController();
    const { signal } = stop.current;
    const onProgress = (next: ImportProgress): void => {
      setProgress(next);
      localStorage.setItem(resumeKey, String(next.rows));
    };
    await importDevices(file, { resumeAt, signal, onProgress });
    if (signal.aborted) return;
    localStorage.removeItem(resumeKey);
    setDone(true);
  }

  return (
    <>
      {!isDone && (
        <div class="row">
          <button type="button" class="primary" disabled={action.isBusy} onClick={() => void action.run(run)}>
            {action.isBusy
              ? "Importing…"
              : resumeAt > 0
                ? `Go on after row ${numberText(resumeAt)}`
                : `Import ${file.name}`}
          </button>
          {action.isBusy && (
            <button type="button" onClick={() => stop.current?.abort()}>
              Stop
            </button>
          )}
        </div>
      )}
      <FailureNotice failure={action.failure} />
      {progress !== undefined && <Outcome progress={progress} size={file.size} isDone={isDone} />}
    </>
  );
}

interface OutcomeProps {
  readonly progress: ImportProgress;
  /** Bytes of the file. */
  readonly size: number;
  readonly isDone: boolean;
}

function Outcome({ progress, size, isDone }: OutcomeProps) {
  const { bytes, created, updated, unchanged, bad, badCount } = progress;
  const report = bad.map(({ line, message }) => `line ${line}: ${message}\n`);
  return (
    <div class="stack">
      <progress aria-label="Progress of the import" max={size} value={isDone ? size : bytes} />
      <Notice tone={isDone ? (badCount === 0 ? "good" : "warn") : "quiet"}>
        {isDone ? "Done: " : ""}
        {numberText(created)} enrolled, {numberText(updated)} changed, {numberText(unchanged)} unchanged,{" "}
        {countText(badCount, "bad row")}.
      </Notice>
      {bad.length > 0 && (
        <>
          <Table
            label="Bad rows"
            head={["Line", "Mistake"]}
            rows={bad.slice(0, 100).map(({ line, message }) => ({ key: `${line} ${message}`, cells: [line, message] }))}
          />
          <div class="row">
            <button type="button" onClick={() => saveFile("bad-rows.txt", report)}>
              Download the bad rows
            </button>
          </div>
        </>
      )}
    </div>
  );
}
