// Sends the records of a file to the gateway in batches.

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
import { type Patience, withPatience } from "./patience.ts";
import type { Complaint, ImportReport, Progress } from "./report.ts";

/** Logins wait while a batch is written: docs/import.md says for how long. */
const MOST_RECORDS = 500;
/** In bytes: a request has at most a mebibyte. */
const MOST_BYTES = 700_000;

export interface ImportRun {
  readonly records: AsyncIterable<FileRecord>;
  /** The first line to send. */
  readonly fromLine: number;
  /** The owner of devices without one; empty: none. */
  readonly customerId: string;
  readonly dryRun: boolean;
  readonly report: ImportReport;
  readonly patience: Patience;
}

interface Batch {
  readonly rows: { readonly line: number; readonly row: ImportDevicesRequest_Row }[];
  readonly mistakes: { readonly line: number; readonly mistake: Mistake }[];
  lastLine: number;
}

/** Runs an import to its end. @throws the error of a whole batch, or of the file; the report says where it stopped */
export async function runImport(
  admin: Pick<Client<typeof AdminService>, "importDevices">,
  { records, fromLine, customerId, dryRun, report, patience }: ImportRun,
): Promise<Progress> {
  const { signal } = patience;
  let progress: Progress = { line: fromLine - 1, created: 0, updated: 0, unchanged: 0, failed: 0 };
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
  }

  let sending: Promise<void> = Promise.resolve();
  try {
    for await (const batch of batchesOf(records, progress.line)) {
      await sending;
      signal.throwIfAborted();
      // The next batch is read meanwhile.
      sending = send(batch);
      sending.catch(() => {});
    }
    await sending;
  } catch (error) {
    await sending.catch(() => {});
    const next = progress.line + 1;
    if (next > fromLine) {
      report.say(`stopped at line ${next}: what comes before is in. Give the same command with --from-line ${next}`);
    }
    throw error;
  }
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
