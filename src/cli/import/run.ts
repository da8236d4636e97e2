// Sends the records of a file to the gateway in batches, and keeps a checkpoint.

import { toBinary } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import {
  type AdminService,
  type ImportDevicesRequest_Row,
  ImportDevicesRequest_RowSchema,
  type ImportDevicesResponse,
} from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { warningOf } from "../../core/device-key.ts";
import { inColumns } from "../device-file/columns.ts";
import type { FileRecord } from "../device-file/records.ts";
import type { Mistake } from "../device-file/row.ts";
import type { Checkpoint, Progress } from "./checkpoint.ts";
import { type Patience, withPatience } from "./patience.ts";
import type { Complaint, ImportReport } from "./report.ts";

/** Logins wait while a batch is written: docs/import.md says for how long. */
const MOST_RECORDS = 500;
/** In bytes: a request has at most a mebibyte. */
const MOST_BYTES = 700_000;
const CHECKPOINT_EVERY_MS = 300;

export interface ImportRun {
  readonly records: AsyncIterable<FileRecord>;
  readonly from: Progress;
  /** The owner of devices without one; empty: none. */
  readonly customerId: string;
  readonly dryRun: boolean;
  readonly checkpoint: Checkpoint | undefined;
  readonly report: ImportReport;
  readonly patience: Patience;
}

interface Batch {
  readonly rows: { readonly line: number; readonly row: ImportDevicesRequest_Row }[];
  readonly mistakes: { readonly line: number; readonly mistake: Mistake }[];
  lastLine: number;
}

/** Runs an import to its end. @throws the error of a whole batch, or of the file; the progress is kept */
export async function runImport(
  admin: Pick<Client<typeof AdminService>, "importDevices">,
  { records, from, customerId, dryRun, checkpoint, report, patience }: ImportRun,
): Promise<Progress> {
  const { signal } = patience;
  let progress = from;
  let writtenAt = patience.now();
  let isWarned = false;

  async function send(batch: Batch): Promise<void> {
    for (const { row } of batch.rows) row.customerId ||= customerId;
    const rows = batch.rows.map(({ row }) => row);
    const answer =
      rows.length === 0
        ? { created: 0, updated: 0, unchanged: 0, failures: [] }
        : await withPatience(patience, () => admin.importDevices({ rows, validateOnly: dryRun }, { signal }));
    const long = isWarned ? undefined : batch.rows.find(({ row }) => warningOf(row.deviceKey) !== undefined);
    if (long !== undefined) {
      report.say(`line ${long.line}: ${warningOf(long.row.deviceKey)}. Later lines like it are not named`);
      isWarned = true;
    }
    const complaints = complaintsOf(batch, answer.failures);
    await report.complain(complaints);
    progress = {
      line: batch.lastLine,
      created: progress.created + answer.created,
      updated: progress.updated + answer.updated,
      unchanged: progress.unchanged + answer.unchanged,
      failed: progress.failed + complaints.length,
    };
    report.show(progress);
    if (patience.now() - writtenAt < CHECKPOINT_EVERY_MS) return;
    checkpoint?.write(progress);
    writtenAt = patience.now();
  }

  // A checkpoint that cannot be written is better known now.
  checkpoint?.write(progress);
  let sending: Promise<void> = Promise.resolve();
  try {
    for await (const batch of batchesOf(records, from.line)) {
      await sending;
      signal.throwIfAborted();
      // The next batch is read meanwhile.
      sending = send(batch);
      sending.catch(() => {});
    }
    await sending;
  } catch (error) {
    await sending.catch(() => {});
    if (progress.line === 0) checkpoint?.remove();
    else {
      checkpoint?.write(progress);
      const cure = checkpoint === undefined ? "It may be given again from the start" : "The same command goes on there";
      report.say(`stopped at line ${progress.line + 1}: what comes before is in. ${cure}`);
    }
    throw error;
  }
  checkpoint?.remove();
  return progress;
}

/** Gathers records after line `after`. Of two lines with one device the later stands: they are never in one batch. */
async function* batchesOf(records: AsyncIterable<FileRecord>, after: number): AsyncGenerator<Batch> {
  const begin = (): Batch => ({ rows: [], mistakes: [], lastLine: after });
  let batch = begin();
  let bytes = 0;
  let keys = new Set<string>();
  for await (const { line, lastLine, content } of records) {
    if (lastLine <= after) continue;
    const more = "row" in content ? toBinary(ImportDevicesRequest_RowSchema, content.row).length : 0;
    const isFull = batch.rows.length + batch.mistakes.length >= MOST_RECORDS || bytes + more > MOST_BYTES;
    if ((isFull && batch.lastLine > after) || ("row" in content && keys.has(content.row.deviceKey))) {
      yield batch;
      batch = begin();
      bytes = 0;
      keys = new Set();
    }
    if ("row" in content) {
      batch.rows.push({ line, row: content.row });
      keys.add(content.row.deviceKey);
      bytes += more;
    } else batch.mistakes.push({ line, mistake: content.mistake });
    batch.lastLine = lastLine;
  }
  if (batch.lastLine > after) yield batch;
}

function complaintsOf({ rows, mistakes }: Batch, failures: ImportDevicesResponse["failures"]): readonly Complaint[] {
  const refused = failures.map(({ row: index, reason, message, field }) => {
    const { line = 0, row } = rows[index] ?? {};
    const cure =
      field === "customer_id" && row?.customerId === "" ? ". Put it there, or give --customer ID for all" : "";
    return { line, reason, message: `${inColumns(message)}${cure}`, field: inColumns(field) };
  });
  const unread = mistakes.map(({ line, mistake }) => ({ line, reason: "malformed", ...mistake }));
  return [...refused, ...unread].sort((one, other) => one.line - other.line);
}
