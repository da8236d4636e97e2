// `countersign devices import`: a file of devices, sent to the gateway in batches.

import { createReadStream } from "node:fs";
import { constants } from "node:os";
import { toBinary } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  type ImportDevicesRequest_Row,
  ImportDevicesRequest_RowSchema,
} from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { warningOf } from "../../core/login-fields.ts";
import { type FileRecord, readRecords } from "../device-file/records.ts";
import { inColumns, RowMistake } from "../device-file/row.ts";
import { type AdminClient, callAdmin } from "../gateway/admin-client.ts";
import { readCount } from "../terminal/fields.ts";
import { inputName, unreadable } from "../terminal/files.ts";
import { CommandFailure, wantsJson, warn, writeFailure, writeResult } from "../terminal/output.ts";

/** Logins wait while a batch is written (docs/import.md has the times). */
const MOST_ROWS = 500;
/** Bytes of a batch: a request has at most a mebibyte. */
const MOST_BYTES = 700_000;
/**
 * A window of records is sent in the order of device_keys, because neighbours share pages of the database's indexes. Each window
 * is larger than the one before, so that the first mistakes of a file are reported early.
 */
const FIRST_WINDOW = 500;
const LARGEST_WINDOW = 100_000;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

interface ImportOptions {
  readonly customer?: string;
  readonly fromLine: number;
  readonly dryRun?: boolean;
}

/** Progress of an import. */
interface Progress {
  /** The gateway has acknowledged the file up to this line. */
  line: number;
  created: number;
  updated: number;
  unchanged: number;
  failed: number;
}

/** Adds `devices import`. */
export function addDevicesImportCommand(devices: Command): void {
  devices
    .command("import <file>")
    .description("enrol or change the devices of a CSV or NDJSON file, or of standard input (-)")
    .option("--customer <id>", "the owner of devices without a customer_id in the file")
    .option("--from-line <line>", "the first line to send: where an import stopped", readCount, 1)
    .option("--dry-run", "report the outcome of each line, and change nothing")
    .action(importFile);
}

async function importFile(file: string, options: ImportOptions, command: Command): Promise<void> {
  const { customer, fromLine } = options;
  const json = wantsJson(command);
  const progress: Progress = { line: fromLine - 1, created: 0, updated: 0, unchanged: 0, failed: 0 };
  const stream = file === "-" ? process.stdin : createReadStream(file);
  const records = readRecords(stream, inputName(file), customer !== undefined);
  const printResumeHint = (): void => {
    const next = progress.line + 1;
    if (next === fromLine) return;
    note(
      `stopped at line ${next}: the lines before it are imported. Run the same command with --from-line ${next}`,
      json,
    );
  };
  // Stops at once: acknowledged lines are on disk, and all others can be sent again.
  const stop = (name: NodeJS.Signals): never => {
    printResumeHint();
    writeFailure(new CommandFailure("stopped by a signal"), json);
    process.exit(128 + constants.signals[name]);
  };
  for (const name of SIGNALS) process.once(name, stop);
  try {
    await callAdmin((admin) => sendRecords(admin, records, options, progress, json));
  } catch (error) {
    printResumeHint();
    throw error instanceof Error && "syscall" in error ? unreadable(file, error) : error;
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
    stream.destroy();
  }
  const { line: _, ...counts } = progress;
  const { created, updated, unchanged, failed } = counts;
  writeResult(command, counts, [`${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} failed`]);
  if (failed > 0)
    throw new CommandFailure(`${failed === 1 ? "1 line was" : `${failed} lines were`} not imported`, { failed });
}

/** Prints a notice to standard error. */
function note(notice: string, json: boolean): void {
  if (json) process.stderr.write(`${JSON.stringify({ notice })}\n`);
  else warn(notice);
}

interface SentRow {
  readonly line: number;
  readonly row: ImportDevicesRequest_Row;
}

/** Sends the records after `progress.line`. @throws the error of a whole batch, or of the file */
async function sendRecords(
  admin: AdminClient,
  records: AsyncIterable<FileRecord>,
  { customer = "", dryRun = false }: ImportOptions,
  progress: Progress,
  json: boolean,
): Promise<void> {
  let isWarned = false;
  for await (const window of windowsOf(records, progress.line)) {
    const mistakes: { readonly line: number; reason: string; field: string; message: string }[] = [];
    const rows: SentRow[] = [];
    for (const { line, content } of window) {
      if (content instanceof RowMistake) {
        mistakes.push({ line, reason: "malformed", field: content.field, message: content.message });
        continue;
      }
      content.customerId ||= customer;
      rows.push({ line, row: content });
      const warning: string | undefined = isWarned ? undefined : warningOf(content.deviceKey);
      if (warning !== undefined) note(`line ${line}: ${warning}. Later lines with this problem are not named`, json);
      isWarned ||= warning !== undefined;
    }
    for (const batch of batchesOf(rows.sort(byDeviceKey))) {
      const answer = await admin.importDevices({ rows: batch.map(({ row }) => row), validateOnly: dryRun });
      progress.created += answer.created;
      progress.updated += answer.updated;
      progress.unchanged += answer.unchanged;
      for (const { row: index, reason, field, message } of answer.failures) {
        const { line = 0, row } = batch[index] ?? {};
        const isWithout = field === "customer_id" && row?.customerId === "";
        const cure = isWithout ? ". Add it, or give --customer ID for all" : "";
        mistakes.push({ line, reason, field: inColumns(field), message: `${inColumns(message)}${cure}` });
      }
    }
    for (const mistake of mistakes.sort((one, other) => one.line - other.line)) {
      if (json) process.stderr.write(`${JSON.stringify(mistake)}\n`);
      else warn(`line ${mistake.line}: ${mistake.message}`);
    }
    progress.failed += mistakes.length;
    progress.line = window.at(-1)?.line ?? progress.line;
    if (process.stderr.isTTY && !json) warn(`line ${progress.line} is done`);
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

/** Sorts by device_key. Lines of one device stay in order, so the last one wins. */
function byDeviceKey({ row: { deviceKey: one } }: SentRow, { row: { deviceKey: other } }: SentRow): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

/** Divides sorted rows into batches. Two lines of one device are never in one batch. */
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
