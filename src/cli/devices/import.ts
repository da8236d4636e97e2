// `countersign devices import`: a file of devices.

import { createReadStream, statSync } from "node:fs";
import { constants } from "node:os";
import { addAbortSignal } from "node:stream";
import { type Command, InvalidArgumentError } from "commander";
import { monotonicNow } from "../../telemetry/clock.ts";
import { type Format, formatOption, requireFormat } from "../device-file/formats.ts";
import { readRecords } from "../device-file/records.ts";
import { callAdmin } from "../gateway/admin-client.ts";
import { createReport, type Progress } from "../import/report.ts";
import { runImport } from "../import/run.ts";
import { inputName, unreadable } from "../terminal/files.ts";
import { CommandFailure, wantsJson, writeResult } from "../terminal/output.ts";

/** So long after a signal the process is ended if it has not come to its end, in milliseconds. */
const STOP_MS = 1_000;

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
  const abort = new AbortController();
  // The first signal stops an import in order; a second one ends the process as usual.
  const stop = (name: NodeJS.Signals): void => {
    const status = 128 + constants.signals[name];
    abort.abort(new CommandFailure("stopped by a signal", {}, status));
    // A pipe without a writer would hold the process.
    setTimeout(() => process.exit(status), STOP_MS).unref();
  };
  const names = ["SIGINT", "SIGTERM"] as const;
  for (const name of names) process.once(name, stop);
  try {
    tell(command, await run(file, options, wantsJson(command), abort.signal));
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    for (const name of names) process.off(name, stop);
  }
}

async function run(file: string, options: ImportOptions, json: boolean, signal: AbortSignal): Promise<Progress> {
  const { format: given, customer, fromLine, dryRun = false, retryFor } = options;
  const format = requireFormat(file, given);
  requireFile(file);
  const stream = addAbortSignal(signal, file === "-" ? process.stdin : createReadStream(file));
  const report = createReport(json);
  try {
    return await callAdmin((admin) =>
      runImport(admin, {
        records: readRecords(stream, { name: inputName(file), format, customerGiven: customer !== undefined }),
        fromLine,
        customerId: customer ?? "",
        dryRun,
        report,
        patience: {
          forMs: retryFor * 1_000,
          now: monotonicNow,
          signal,
          onWait: () => report.say(`the gateway does not answer. It is asked again for ${retryFor} seconds`),
        },
      }),
    );
  } finally {
    stream.destroy();
  }
}

/** @throws CommandFailure for a file that cannot be read */
function requireFile(file: string): void {
  try {
    const isFolder = file !== "-" && statSync(file).isDirectory();
    if (isFolder) throw Object.assign(new Error("a folder"), { code: "EISDIR" });
  } catch (error) {
    throw unreadable(file, error);
  }
}

function tell(command: Command, { created, updated, unchanged, failed }: Progress): void {
  writeResult(command, { created, updated, unchanged, failed }, [
    `${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} failed`,
  ]);
  if (failed > 0) throw new CommandFailure(`${failed === 1 ? "1 line" : `${failed} lines`} did not go in`, { failed });
}

function readNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It takes a whole number.");
}
