// `countersign devices import`: a file of devices, from where it was left.

import { type Command, InvalidArgumentError } from "commander";
import { monotonicNow } from "../telemetry/clock.ts";
import { callAdmin } from "./admin-client.ts";
import { type Format, formatOption, requireFormat } from "./device-formats.ts";
import { type Checkpoint, createCheckpoint, NOTHING_DONE, type Progress } from "./import-checkpoint.ts";
import { openRecords } from "./import-records.ts";
import { createReport, type ImportReport } from "./import-report.ts";
import { runImport } from "./import-run.ts";
import { type ImportSource, nameOf, openSource } from "./import-source.ts";
import { CommandFailure, wantsJson, writeResult } from "./output.ts";
import type { Patience } from "./patience.ts";

interface ImportOptions {
  readonly format?: Format;
  readonly customer?: string;
  readonly checkpoint?: string;
  readonly restart?: boolean;
  /** In seconds. */
  readonly retryFor: number;
}

export function addDevicesImportCommand(devices: Command): void {
  devices
    .command("import <file>")
    .description("enrol or change the devices of a file, or of standard input (-)")
    .addOption(formatOption())
    .option("--customer <id>", "the owner of those that the file names none for")
    .option("--checkpoint <file>", "where to keep how far it is (default: the file's name with .progress)")
    .option("--restart", "begin anew where an import of this file was left unfinished")
    .option("--retry-for <seconds>", "how long to wait for a gateway that is away", readSeconds, 60)
    .option("--json", "print JSON")
    .action(importFile);
}

async function importFile(file: string, options: ImportOptions, command: Command): Promise<void> {
  const { format: given, customer, restart = false, retryFor } = options;
  const format = requireFormat(file, given);
  const source = await openSource(file);
  const records = openRecords(source, { name: nameOf(file), format, customerGiven: customer !== undefined });
  const checkpoint = checkpointOf(file, source, `${format} ${customer ?? ""}`, options.checkpoint);
  const left = restart ? undefined : checkpoint?.read();
  const report = createReport(wantsJson(command), source.size);
  if (left !== undefined) report.say(`goes on at line ${left.next.line}: what comes before is in`);
  const done = await callAdmin((admin) =>
    runImport(admin, {
      records,
      from: left ?? { ...NOTHING_DONE, next: records.start },
      customerId: customer ?? "",
      checkpoint,
      report,
      patience: patienceOf(retryFor, report),
    }),
  );
  tell(command, done);
}

function checkpointOf(
  file: string,
  { fingerprint }: ImportSource,
  how: string,
  path: string | undefined,
): Checkpoint | undefined {
  if (fingerprint !== undefined) return createCheckpoint(path ?? `${file}.progress`, `${fingerprint} ${how}`);
  if (path === undefined) return undefined;
  throw new CommandFailure(
    `${nameOf(file)} is read only once: there is no going on, and no use for --checkpoint`,
    {},
    2,
  );
}

function patienceOf(seconds: number, report: ImportReport): Patience {
  return {
    forMs: seconds * 1_000,
    now: monotonicNow,
    onWait: () => report.say(`the gateway does not answer. It is asked again for ${seconds} seconds`),
  };
}

function tell(command: Command, { created, updated, unchanged, failed }: Progress): void {
  writeResult(command, { created, updated, unchanged, failed }, [
    `${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} failed`,
  ]);
  if (failed > 0) throw new CommandFailure(`${failed === 1 ? "1 line" : `${failed} lines`} did not go in`, { failed });
}

function readSeconds(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It takes a whole number of seconds.");
}
