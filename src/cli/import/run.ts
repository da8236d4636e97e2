// An import from where it is to where the file ends: what is acknowledged is told of and kept. Knows AdminService, and no file.

import type { Client } from "@connectrpc/connect";
import type { AdminService, ImportDevicesResponse } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { inColumns } from "../device-file/columns.ts";
import { type Patience, withPatience } from "../gateway/patience.ts";
import { type Batch, batchesOf, sendInOrder } from "./batches.ts";
import type { Checkpoint, Progress } from "./checkpoint.ts";
import type { ImportRecords } from "./records.ts";
import type { Complaint, ImportReport } from "./report.ts";

/** Logins wait while a batch is written: docs/import.md says for how long. */
const LIMITS = { records: 500, bytes: 700_000 };
/** While one is written, the next is read. */
const AT_ONCE = 2;
const CHECKPOINT_EVERY_MS = 300;

export interface ImportRun {
  readonly records: ImportRecords;
  readonly from: Progress;
  /** The owner of devices that the file has none for; empty: none. */
  readonly customerId: string;
  /** Undefined: of this file nothing can be kept. */
  readonly checkpoint: Checkpoint | undefined;
  readonly report: ImportReport;
  readonly patience: Patience;
}

/** Runs an import to its end. @throws what the gateway refused a whole batch with; how far it came is kept */
export async function runImport(
  admin: Pick<Client<typeof AdminService>, "importDevices">,
  { records, from, customerId, checkpoint, report, patience }: ImportRun,
): Promise<Progress> {
  let progress = from;
  let keptAt = patience.now();

  function send({
    rows,
  }: Batch): Promise<Pick<ImportDevicesResponse, "created" | "updated" | "unchanged" | "failures">> {
    const { signal } = patience;
    signal.throwIfAborted();
    if (rows.length === 0) return Promise.resolve({ created: 0, updated: 0, unchanged: 0, failures: [] });
    for (const { row } of rows) row.customerId ||= customerId;
    return withPatience(patience, () => admin.importDevices({ rows: rows.map(({ row }) => row) }, { signal }));
  }

  async function acknowledge(batch: Batch, answer: Awaited<ReturnType<typeof send>>): Promise<void> {
    const complaints = complaintsOf(batch, answer);
    await report.complain(complaints);
    progress = {
      next: batch.next,
      created: progress.created + answer.created,
      updated: progress.updated + answer.updated,
      unchanged: progress.unchanged + answer.unchanged,
      failed: progress.failed + complaints.length,
    };
    report.show(progress);
    if (patience.now() - keptAt < CHECKPOINT_EVERY_MS) return;
    checkpoint?.write(progress);
    keptAt = patience.now();
  }

  // That it cannot be kept is better known now than in the middle.
  checkpoint?.write(progress);
  try {
    await sendInOrder(batchesOf(records.from(from.next), from.next, LIMITS), AT_ONCE, send, acknowledge);
  } catch (error) {
    stop();
    throw error;
  } finally {
    report.end();
  }
  checkpoint?.remove();
  return progress;

  function stop(): void {
    const { line, offset } = progress.next;
    if (offset === records.start.offset) {
      checkpoint?.remove();
      return;
    }
    checkpoint?.write(progress);
    const goesOn = checkpoint === undefined ? "It may be given again from the start" : "The same command goes on there";
    report.say(`stopped at line ${line}: what comes before is in. ${goesOn}`);
  }
}

/** By line. */
function complaintsOf(
  { rows, mistakes }: Batch,
  { failures }: Pick<ImportDevicesResponse, "failures">,
): readonly Complaint[] {
  const refused = failures.map(({ row: place, reason, message, field }) => {
    const { line = 0, row } = rows[place] ?? {};
    const cure =
      field === "customer_id" && row?.customerId === "" ? ". Put it there, or give --customer ID for all" : "";
    return { line, reason, message: `${inColumns(message)}${cure}`, field: inColumns(field) };
  });
  const unread = mistakes.map(({ line, mistake }) => ({ line, reason: "malformed", ...mistake }));
  return [...refused, ...unread].sort((one, other) => one.line - other.line);
}
