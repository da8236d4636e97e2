// `countersign devices import`: a file of devices, from where it was left.

import { createHash } from "node:crypto";
import { createReadStream, type Stats, statSync } from "node:fs";
import { constants } from "node:os";
import { addAbortSignal } from "node:stream";
import { type Command, InvalidArgumentError } from "commander";
import { readClientConfig } from "../../config.ts";
import { monotonicNow } from "../../telemetry/clock.ts";
import { type Format, formatOption, requireFormat } from "../device-file/formats.ts";
import { readRecords } from "../device-file/records.ts";
import { callAdmin } from "../gateway/admin-client.ts";
import { type Checkpoint, createCheckpoint, NOTHING_DONE, type Progress } from "../import/checkpoint.ts";
import { createReport } from "../import/report.ts";
import { runImport } from "../import/run.ts";
import { inputName, unreadable } from "../terminal/files.ts";
import { CommandFailure, usageFailure, wantsJson, writeResult } from "../terminal/output.ts";

/** So long after a signal the process is ended if it has not come to its end, in milliseconds. */
const STOP_MS = 1_000;

interface ImportOptions {
  readonly format?: Format;
  readonly customer?: string;
  readonly checkpoint?: string;
  readonly restart?: boolean;
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
    .option("--checkpoint <file>", "where to keep how far it is (default: the file's name with .progress)")
    .option("--restart", "begin anew where an import of this file was left unfinished")
    .option("--dry-run", "tell what would become of each line, and change nothing")
    .option("--retry-for <seconds>", "how long to wait for a gateway that is away", readSeconds, 60)
    .option("--json", "print JSON")
    .action(importFile);
}

async function importFile(file: string, options: ImportOptions, command: Command): Promise<void> {
  const abort = new AbortController();
  // The first signal stops an import in order; a second one ends the process as usual.
  const stop = (name: NodeJS.Signals): void => {
    const status = 128 + constants.signals[name];
    abort.abort(new CommandFailure("stopped: give the same command again", {}, status));
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
  const { format: given, customer, restart = false, dryRun = false, retryFor } = options;
  const format = requireFormat(file, given);
  const stats = statsOf(file);
  const stream = addAbortSignal(signal, file === "-" ? process.stdin : createReadStream(file));
  const how = `${format} ${customer ?? ""} ${readClientConfig().internalUrl}`;
  const checkpoint = dryRun ? undefined : checkpointOf(file, stats, how, options.checkpoint);
  const from = restart ? undefined : checkpoint?.read();
  const report = createReport(json);
  if (from !== undefined && from.line > 0) report.say(`goes on at line ${from.line + 1}: what comes before is in`);
  try {
    return await callAdmin((admin) =>
      runImport(admin, {
        records: readRecords(stream, { name: inputName(file), format, customerGiven: customer !== undefined }),
        from: from ?? NOTHING_DONE,
        customerId: customer ?? "",
        dryRun,
        checkpoint,
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

/** Undefined for standard input. @throws CommandFailure for a file that cannot be read */
function statsOf(file: string): Stats | undefined {
  try {
    const stats = file === "-" ? undefined : statSync(file);
    if (stats?.isDirectory()) throw Object.assign(new Error("a folder"), { code: "EISDIR" });
    return stats;
  } catch (error) {
    throw unreadable(file, error);
  }
}

function checkpointOf(
  file: string,
  stats: Stats | undefined,
  how: string,
  path: string | undefined,
): Checkpoint | undefined {
  if (stats?.isFile()) {
    // A hash: the address of a gateway may have a password.
    const subject = createHash("sha256").update(`${stats.size} ${stats.mtimeMs} ${how}`).digest("hex");
    return createCheckpoint(path ?? `${file}.progress`, subject);
  }
  if (path === undefined) return undefined;
  throw usageFailure(`${inputName(file)} is read only once: there is no going on, and no use for --checkpoint`);
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
