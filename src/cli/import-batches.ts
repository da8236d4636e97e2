// An import's way to the gateway: records by batches, some of them under way at once, acknowledged in their order. Knows no call
// and no file.

import type { ImportDevicesRequest_Row } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { FileRecord, Position } from "./device-records.ts";
import type { Mistake } from "./device-row.ts";

/** Records that follow each other, no two of one device: of two such lines the later stands, and so it has to come later. */
export interface Batch {
  readonly rows: readonly NumberedRow[];
  readonly mistakes: readonly NumberedMistake[];
  /** Where the next one begins. */
  readonly next: Position;
}

export interface NumberedRow {
  readonly line: number;
  readonly row: ImportDevicesRequest_Row;
}

export interface NumberedMistake {
  readonly line: number;
  readonly mistake: Mistake;
}

export interface BatchLimits {
  readonly records: number;
  /** As the file has them; a request takes about as many. */
  readonly bytes: number;
}

/** Gathers records. */
export async function* batchesOf(
  records: AsyncIterable<readonly FileRecord[]>,
  start: Position,
  limits: BatchLimits,
): AsyncGenerator<Batch> {
  let begin = start;
  let next = start;
  let rows: NumberedRow[] = [];
  let mistakes: NumberedMistake[] = [];
  let keys = new Set<string>();

  function take(): Batch {
    const batch = { rows, mistakes, next };
    begin = next;
    rows = [];
    mistakes = [];
    keys = new Set();
    return batch;
  }

  for await (const block of records) {
    for (const { line, next: after, content } of block) {
      const isRow = "$typeName" in content;
      const full = rows.length + mistakes.length >= limits.records || after.offset - begin.offset > limits.bytes;
      if ((full && next !== begin) || (isRow && keys.has(content.deviceKey))) yield take();
      if (isRow) {
        rows.push({ line, row: content });
        keys.add(content.deviceKey);
      } else mistakes.push({ line, mistake: content });
      next = after;
    }
  }
  if (next !== begin) yield take();
}

/** Sends batches, `most` of them at once, and tells of each in their order. @throws what the first that failed threw */
export async function sendInOrder<Outcome>(
  batches: AsyncIterable<Batch>,
  most: number,
  send: (batch: Batch) => Promise<Outcome>,
  acknowledge: (batch: Batch, outcome: Outcome) => void,
): Promise<void> {
  const underWay: { readonly batch: Batch; readonly answer: Promise<Outcome> }[] = [];

  async function settleFirst(): Promise<void> {
    const [first] = underWay;
    if (first === undefined) return;
    acknowledge(first.batch, await first.answer);
    underWay.shift();
  }

  try {
    for await (const batch of batches) {
      const keys = new Set(batch.rows.map(({ row }) => row.deviceKey));
      const meets = (): boolean =>
        underWay.some((other) => other.batch.rows.some(({ row }) => keys.has(row.deviceKey)));
      while (underWay.length >= most || meets()) await settleFirst();
      const answer = send(batch);
      // Its failure is told when its turn comes.
      answer.catch(() => {});
      underWay.push({ batch, answer });
    }
    while (underWay.length > 0) await settleFirst();
  } finally {
    await Promise.allSettled(underWay.map(({ answer }) => answer));
  }
}
