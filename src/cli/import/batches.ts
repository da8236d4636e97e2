// An import's way to the gateway: records by batches, some of them under way at once, acknowledged in their order. Knows no call
// and no file.

import type { ImportDevicesRequest_Row } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { FileRecord, Position } from "../device-file/records.ts";
import type { Mistake } from "../device-file/row.ts";

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
  /** Of rows as they are sent, which may be more than the file has of them. A row that alone has more is a batch of its own. */
  readonly bytes: number;
}

/** Gathers records. */
export async function* batchesOf(
  records: AsyncIterable<readonly FileRecord[]>,
  start: Position,
  limits: BatchLimits,
): AsyncGenerator<Batch> {
  let next = start;
  let bytes = 0;
  let rows: NumberedRow[] = [];
  let mistakes: NumberedMistake[] = [];
  let keys = new Set<string>();

  function take(): Batch {
    const batch = { rows, mistakes, next };
    bytes = 0;
    rows = [];
    mistakes = [];
    keys = new Set();
    return batch;
  }

  for await (const block of records) {
    for (const { line, next: after, content } of block) {
      const more = "row" in content ? sizeOf(content.row) : 0;
      const full = rows.length + mistakes.length >= limits.records || (rows.length > 0 && bytes + more > limits.bytes);
      if (full || ("row" in content && keys.has(content.row.deviceKey))) yield take();
      if ("row" in content) {
        rows.push({ line, row: content.row });
        keys.add(content.row.deviceKey);
        bytes += more;
      } else mistakes.push({ line, mistake: content.mistake });
      next = after;
    }
  }
  if (rows.length + mistakes.length > 0) yield take();
}

/** What comes before each string of a message, and around each entry of a map, at most. In bytes. */
const STRING_BYTES = 6;
const ENTRY_BYTES = 18;

/** At most so many bytes has a row in a request: what protobuf would write, without writing it. */
function sizeOf({ deviceKey, customerId, displayName = "", labels }: ImportDevicesRequest_Row): number {
  const texts = [deviceKey, customerId, displayName];
  const words = Object.entries(labels?.labels ?? {});
  return (
    texts.reduce((size, text) => size + STRING_BYTES + Buffer.byteLength(text), 4 * STRING_BYTES) +
    words.reduce((size, pair) => size + ENTRY_BYTES + pair.reduce((sum, text) => sum + Buffer.byteLength(text), 0), 0)
  );
}

/** Sends batches, `most` of them at once, and tells of each in their order. @throws what the first that failed threw */
export async function sendInOrder<Outcome>(
  batches: AsyncIterable<Batch>,
  most: number,
  send: (batch: Batch) => Promise<Outcome>,
  acknowledge: (batch: Batch, outcome: Outcome) => Promise<void>,
): Promise<void> {
  const underWay: { readonly batch: Batch; readonly answer: Promise<Outcome> }[] = [];

  async function settleFirst(): Promise<void> {
    const [first] = underWay;
    if (first === undefined) return;
    await acknowledge(first.batch, await first.answer);
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
