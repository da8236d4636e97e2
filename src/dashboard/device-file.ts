// Devices as CSV: written for export, and read for import in the columns of the command line.

import Papa from "papaparse";
import type { Device, ImportDevicesRequest_Row } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { COLUMNS, type Column, inColumns, isColumn, unknownColumn } from "../cli/device-file/columns.ts";
import { cellsOf, RowMistake, readRow } from "../cli/device-file/row.ts";
import { admin } from "./gateway.ts";

export interface ExportSelection {
  readonly filter: string;
  /** Names; empty: all that the filter matches. */
  readonly selected: readonly string[];
}

/** Reads devices as parts of a CSV file. */
export async function exportDevices(
  { filter, selected }: ExportSelection,
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
    parts.push(textOf(page.devices));
    done += page.devices.length;
    pageToken = page.nextPageToken;
    onProgress(done);
  } while (pageToken !== "");
  return parts;
}

function textOf(devices: readonly Device[]): string {
  if (devices.length === 0) return "";
  return `${Papa.unparse(
    devices.map((device) => [...cellsOf(device)]),
    { newline: "\n" },
  )}\n`;
}

/** A row of a file that is not imported. */
export interface BadRow {
  readonly line: number;
  readonly message: string;
}

export interface ImportProgress {
  /** Bytes of the file that are done. */
  readonly bytes: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly bad: readonly BadRow[];
  /** Bad rows, those too that are not kept. */
  readonly badCount: number;
}

const NOTHING: ImportProgress = { bytes: 0, created: 0, updated: 0, unchanged: 0, bad: [], badCount: 0 };
const BATCH = 1_000;
const CHUNK_BYTES = 256 * 1024;
const MOST_SHOWN = 1_000;

interface SentRow {
  readonly line: number;
  readonly row: ImportDevicesRequest_Row;
}

/**
 * Imports a file. Done again it changes nothing, so an import that was stopped is resumed by the same file from `resumeAt`,
 * a number of rows. Rejects with the mistake of the header, or what the gateway answers.
 */
export function importDevices(
  file: File,
  { resumeAt, signal }: { readonly resumeAt: number; readonly signal: AbortSignal },
  onProgress: (progress: ImportProgress, rows: number) => void,
): Promise<ImportProgress> {
  let progress = NOTHING;
  let columns: readonly Column[] | undefined;
  let [line, rows] = [1, 0];

  const addBad = (found: readonly BadRow[]): void => {
    const bad = [...progress.bad, ...found].slice(0, MOST_SHOWN);
    progress = { ...progress, bad, badCount: progress.badCount + found.length };
  };

  async function send(batch: readonly SentRow[]): Promise<void> {
    const answer = await admin.importDevices({ rows: batch.map(({ row }) => row) });
    progress = {
      ...progress,
      created: progress.created + answer.created,
      updated: progress.updated + answer.updated,
      unchanged: progress.unchanged + answer.unchanged,
    };
    addBad(answer.failures.map(({ row, message }) => ({ line: batch[row]?.line ?? 0, message: inColumns(message) })));
  }

  /** Reads records into rows; those before `resumeAt` are skipped. */
  function readRecords(records: readonly (readonly string[])[]): readonly SentRow[] {
    return records.flatMap((record) => {
      const at = line;
      line += 1 + record.reduce((breaks, cell) => breaks + cell.split("\n").length - 1, 0);
      if (columns === undefined) {
        columns = readHeader(record);
        return [];
      }
      if (record.length === 1 && record[0] === "") return [];
      rows++;
      if (rows <= resumeAt) return [];
      const head = columns;
      if (record.length !== head.length) {
        addBad([{ line: at, message: `the row has ${record.length} cells, the first line ${head.length}` }]);
        return [];
      }
      const cells = head.map((column, place): [Column, string | undefined] => [column, record[place] || undefined]);
      const content = readRow(cells);
      if (!(content instanceof RowMistake)) return [{ line: at, row: content }];
      addBad([{ line: at, message: content.message }]);
      return [];
    });
  }

  async function take(records: readonly (readonly string[])[], bytes: number): Promise<void> {
    const sent = readRecords(records);
    for (let start = 0; start < sent.length; start += BATCH) await send(sent.slice(start, start + BATCH));
    progress = { ...progress, bytes };
    onProgress(progress, rows);
  }

  return new Promise((resolve, reject) => {
    Papa.parse<string[]>(file, {
      chunkSize: CHUNK_BYTES,
      chunk({ data, meta }, parser) {
        parser.pause();
        take(data, meta.cursor).then(
          () => {
            if (signal.aborted) parser.abort();
            else parser.resume();
          },
          (error: unknown) => {
            reject(error);
            parser.abort();
          },
        );
      },
      complete: () => resolve(progress),
      error: reject,
    });
  });
}

/** @throws Error naming the mistake of the first line */
function readHeader(record: readonly string[]): readonly Column[] {
  const names = record.map((name) => name.trim().replace(/^\ufeff/, ""));
  const columns = names.map((name) => {
    if (isColumn(name)) return name;
    throw new Error(`Line 1: ${unknownColumn(name)}.`);
  });
  for (const name of ["device_key", "customer_id"] as const) {
    if (!columns.includes(name)) throw new Error(`Line 1: the column ${name} is missing.`);
  }
  return columns;
}
