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
import { RowMistake } from "../device-file/row.ts";
import type { Complaint, ImportReport, Progress } from "./import-report.ts";
import { retryCall } from "./import-retry.ts";

/** Logins wait while a batch is written: docs/import.md says for how long. */
const MOST_ROWS = 500;
/** In bytes: a request has at most a mebibyte. */
const MOST_BYTES = 700_000;
/**
 * A window of records is sent in the order of device_keys, because neighbours share pages of the database's indexes. Each window
 * is larger than the one before, so that the first mistakes of a file are reported early.
 */
const FIRST_WINDOW = 500;
const LARGEST_WINDOW = 100_000;

export interface ImportRun {
  readonly records: AsyncIterable<FileRecord>;
  /** Starts before the first line to send. */
  readonly progress: Progress;
  /** The owner of devices without one; empty: none. */
  readonly customerId: string;
  readonly dryRun: boolean;
  readonly report: ImportReport;
  /** How long a gateway that is away is asked again, in milliseconds. */
  readonly retryMs: number;
}

interface SentRow {
  readonly line: number;
  readonly row: ImportDevicesRequest_Row;
}

/** Runs an import to its end. @throws the error of a whole batch, or of the file; `progress` has how far it came */
export async function runImport(
  admin: Pick<Client<typeof AdminService>, "importDevices">,
  { records, progress, customerId, dryRun, report, retryMs }: ImportRun,
): Promise<void> {
  let isWarned = false;
  const onWait = (): void =>
    report.say(`the gateway does not answer. It is asked again for ${retryMs / 1_000} seconds`);

  async function send(batch: readonly SentRow[]): Promise<readonly Complaint[]> {
    const rows = batch.map(({ row }) => row);
    const request = { rows, validateOnly: dryRun };
    const answer = await retryCall(retryMs, onWait, () => admin.importDevices(request));
    progress.created += answer.created;
    progress.updated += answer.updated;
    progress.unchanged += answer.unchanged;
    progress.failed += answer.failures.length;
    report.show(progress);
    return answer.failures.map((failure) => complaintOf(failure, batch));
  }

  async function sendWindow(window: readonly FileRecord[]): Promise<void> {
    const rows: SentRow[] = [];
    const complaints: Complaint[] = [];
    for (const { line, content } of window) {
      if (content instanceof RowMistake) {
        complaints.push({ line, reason: "malformed", message: content.message, field: content.field });
        continue;
      }
      content.customerId ||= customerId;
      rows.push({ line, row: content });
      const warning = isWarned ? undefined : warningOf(content.deviceKey);
      isWarned ||= warning !== undefined;
      if (warning !== undefined) report.say(`line ${line}: ${warning}. Later lines like it are not named`);
    }
    progress.failed += complaints.length;
    for (const batch of batchesOf(rows.sort(byDeviceKey))) complaints.push(...(await send(batch)));
    report.complain(complaints.sort((one, other) => one.line - other.line));
    progress.line = window.at(-1)?.line ?? progress.line;
  }

  let sending: Promise<void> = Promise.resolve();
  try {
    for await (const window of windowsOf(records, progress.line)) {
      await sending;
      // The next window is read meanwhile.
      sending = sendWindow(window);
      sending.catch(() => {});
    }
  } finally {
    await sending;
  }
}

/** Gathers records that begin after a line. */
async function* windowsOf(records: AsyncIterable<FileRecord>, after: number): AsyncGenerator<readonly FileRecord[]> {
  let window: FileRecord[] = [];
  let size = FIRST_WINDOW;
  for await (const record of records) {
    if (record.line <= after) continue;
    window.push(record);
    if (window.length < size) continue;
    yield window;
    window = [];
    size = Math.min(2 * size, LARGEST_WINDOW);
  }
  if (window.length > 0) yield window;
}

/** Keeps the order of lines of one device: the last stands. */
function byDeviceKey({ row: { deviceKey: one } }: SentRow, { row: { deviceKey: other } }: SentRow): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

/** Parts sorted rows. Two lines of one device are never in one batch. */
function* batchesOf(rows: readonly SentRow[]): Generator<readonly SentRow[]> {
  let batch: SentRow[] = [];
  let bytes = 0;
  for (const sent of rows) {
    const more = toBinary(ImportDevicesRequest_RowSchema, sent.row).length;
    const isFull = batch.length >= MOST_ROWS || bytes + more > MOST_BYTES;
    if (batch.length > 0 && (isFull || batch.at(-1)?.row.deviceKey === sent.row.deviceKey)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(sent);
    bytes += more;
  }
  if (batch.length > 0) yield batch;
}

function complaintOf(
  { row: index, reason, message, field }: ImportDevicesResponse["failures"][number],
  batch: readonly SentRow[],
): Complaint {
  const { line = 0, row } = batch[index] ?? {};
  const cure = field === "customer_id" && row?.customerId === "" ? ". Put it there, or give --customer ID for all" : "";
  return { line, reason, message: `${inColumns(message)}${cure}`, field: inColumns(field) };
}
