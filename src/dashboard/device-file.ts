// Devices as CSV: export, and import in the command line's columns.

import Papa from "papaparse";
import type { Device, ImportDevicesRequest_Row } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import {
  COLUMNS,
  type Column,
  cellsOf,
  inColumns,
  isColumn,
  RowMistake,
  readCells,
  unknownColumn,
} from "../cli/device-file/row.ts";
import { admin } from "./gateway.ts";

/** Devices by name, or by a filter. */
export interface DeviceSelection {
  readonly filter: string;
  /** Names; empty: all that the filter matches. */
  readonly selected: readonly string[];
}

/** Reads devices as parts of a CSV file. */
export async function exportDevices(
  { filter, selected }: DeviceSelection,
  onProgress: (devices: number) => void,
): Promise<readonly string[]> {
  const parts = [`${COLUMNS.join(",")}\n`];
  if (selected.length > 0) {
    const devices = await Promise.all(selected.map((deviceKey) => admin.getDevice({ deviceKey })));
    return [...parts, textOf(devices)];
  }
  let [done, pageToken] = [0, ""];
  do {
    const page = await admin.listDevices({ filter, pageToken, pageSize: 1_000 });
    if (page.devices.length > 0) parts.push(textOf(page.devices));
    done += page.devices.length;
    pageToken = page.nextPageToken;
    onProgress(done);
  } while (pageToken !== "");
  return parts;
}

function textOf(devices: readonly Device[]): string {
  const rows = devices.map((device) => [...cellsOf(device)]);
  return `${Papa.unparse(rows, { newline: "\n" })}\n`;
}

/** A row of a file that is not imported. */
export interface BadRow {
  readonly line: number;
  readonly message: string;
}

export interface ImportProgress {
  /** Bytes of the file that are done. */
  readonly bytes: number;
  /** Rows that are done, including those of an earlier import. */
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  /** The first bad rows. */
  readonly bad: readonly BadRow[];
  readonly badCount: number;
}

const BATCH = 1_000;
const CHUNK_BYTES = 256 * 1024;
const MOST_SHOWN = 1_000;

interface ImportOptions {
  /** Rows that an earlier import has done. */
  readonly resumeAt: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ImportProgress) => void;
}

/**
 * Imports a file. A repeated import changes nothing, so the same file resumes a stopped one.
 * Rejects with the mistake in the header, or with the gateway's error.
 */
export function importDevices(file: File, { resumeAt, signal, onProgress }: ImportOptions): Promise<void> {
  const done = { bytes: 0, rows: 0, created: 0, updated: 0, unchanged: 0, badCount: 0 };
  const bad: BadRow[] = [];
  let columns: readonly Column[] | undefined;
  let line = 1;

  function addBad(row: BadRow): void {
    done.badCount++;
    if (bad.length < MOST_SHOWN) bad.push(row);
  }

  async function send(
    batch: readonly { readonly line: number; readonly row: ImportDevicesRequest_Row }[],
  ): Promise<void> {
    const answer = await admin.importDevices({ rows: batch.map(({ row }) => row) });
    done.created += answer.created;
    done.updated += answer.updated;
    done.unchanged += answer.unchanged;
    for (const { row, message } of answer.failures) {
      addBad({ line: batch[row]?.line ?? 0, message: inColumns(message) });
    }
  }

  async function take(records: readonly (readonly string[])[], bytes: number): Promise<void> {
    const read = [];
    for (const record of records) {
      const at = line;
      line += record.join().split("\n").length;
      if (columns === undefined) {
        columns = readHeader(record);
        continue;
      }
      if (record.length === 1 && record[0] === "") continue;
      done.rows++;
      if (done.rows <= resumeAt) continue;
      const content = readCells(columns, record);
      if (content instanceof RowMistake) addBad({ line: at, message: content.message });
      else read.push({ line: at, row: content });
    }
    for (let start = 0; start < read.length; start += BATCH) await send(read.slice(start, start + BATCH));
    done.bytes = bytes;
    onProgress({ ...done, bad: [...bad], rows: Math.max(done.rows, resumeAt) });
  }

  return new Promise((resolve, reject) => {
    Papa.parse<string[]>(file, {
      chunkSize: CHUNK_BYTES,
      chunk({ data, meta }, parser) {
        parser.pause();
        take(data, meta.cursor).then(
          () => (signal.aborted ? parser.abort() : parser.resume()),
          (error: unknown) => {
            reject(error);
            parser.abort();
          },
        );
      },
      complete: () => resolve(),
      error: reject,
    });
  });
}

/** @throws Error naming the mistake of the first line */
function readHeader(record: readonly string[]): readonly Column[] {
  const columns = record.map((name) => {
    const bare = name.trim();
    if (isColumn(bare)) return bare;
    throw new Error(`Line 1: ${unknownColumn(bare)}`);
  });
  for (const name of ["device_key", "customer_id"] as const) {
    if (!columns.includes(name)) throw new Error(`Line 1: the column ${name} is missing`);
  }
  return columns;
}
