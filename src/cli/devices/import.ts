// `countersign devices import`: a file of devices.

import { createReadStream, statSync } from "node:fs";
import { constants } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import { type Format, formatOption, requireFormat } from "../device-file/formats.ts";
import { readRecords } from "../device-file/records.ts";
import { callAdmin } from "../gateway/admin-client.ts";
import { inputName, unreadable } from "../terminal/files.ts";
import { CommandFailure, wantsJson, writeFailure, writeResult } from "../terminal/output.ts";
import { createReport, type ImportReport, type Progress } from "./import-report.ts";
import { runImport } from "./import-run.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

interface ImportOptions {
  readonly format?: Format;
  readonly customer?: string;
  readonly fromLine: number;
  readonly dryRun?: boolean;
  /** In seconds. */
  readonly retryFor: number;
}

/** Adds `devices import`. */
export function addDevicesImportCommand(devices: Command): void {
  devices
    .command("import <file>")
    .description("enrol or change the devices of a file, or of standard input (-)")
    .addOption(formatOption())
    .option("--customer <id>", "the owner of those that the file names none for")
    .option("--from-line <line>", "the first line to send: where an import stopped", readNumber, 1)
    .option("--dry-run", "tell what would become of each line, and change nothing")
    .option("--retry-for <seconds>", "how long to wait for a gateway that is away", readNumber, 60)
    .option("--json", "print JSON")
    .action(importFile);
}

async function importFile(file: string, options: ImportOptions, command: Command): Promise<void> {
  const { customer, fromLine, dryRun = false, retryFor } = options;
  const format = requireFormat(file, options.format);
  const stream = openFile(file);
  const json = wantsJson(command);
  const report = createReport(json);
  const progress: Progress = { line: fromLine - 1, created: 0, updated: 0, unchanged: 0, failed: 0 };
  // Acknowledged lines are on disk, and others may be sent again: nothing has to be awaited.
  const stop = (name: NodeJS.Signals): never => {
    tellPlace(report, progress, fromLine);
    writeFailure(new CommandFailure("stopped by a signal"), json);
    process.exit(128 + constants.signals[name]);
  };
  for (const name of SIGNALS) process.once(name, stop);
  const source = { name: inputName(file), format, customerGiven: customer !== undefined };
  try {
    const records = readRecords(stream, source);
    const run = { records, progress, customerId: customer ?? "", dryRun, report, retryMs: retryFor * 1_000 };
    await callAdmin((admin) => runImport(admin, run));
  } catch (error) {
    tellPlace(report, progress, fromLine);
    throw error;
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
    stream.destroy();
  }
  const { created, updated, unchanged, failed } = progress;
  writeResult(command, { created, updated, unchanged, failed }, [
    `${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} failed`,
  ]);
  if (failed > 0) throw new CommandFailure(`${failed === 1 ? "1 line" : `${failed} lines`} did not go in`, { failed });
}

/** @throws CommandFailure for a file that cannot be read */
function openFile(file: string): NodeJS.ReadStream | ReturnType<typeof createReadStream> {
  if (file === "-") return process.stdin;
  try {
    if (!statSync(file).isDirectory()) return createReadStream(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  throw unreadable(file, Object.assign(new Error("a folder"), { code: "EISDIR" }));
}

/** Tells where an import that stops is to go on. */
function tellPlace(report: ImportReport, { line }: Progress, fromLine: number): void {
  const next = line + 1;
  if (next === fromLine) return;
  report.say(`stopped at line ${next}: what comes before is in. Give the same command with --from-line ${next}`);
}

function readNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It takes a whole number.");
}
