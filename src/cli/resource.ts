// Prints what a call answers: one resource of the contract, or what became of it. Knows descriptors, and no message.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { fieldLines, jsonLine } from "./fields.ts";
import { wantsJson } from "./output.ts";

/** Prints a resource as JSON, or in lines: a field each, unless there are others to tell of it. */
export function writeResource<Desc extends DescMessage>(
  command: Command,
  desc: Desc,
  message: MessageShape<Desc>,
  lines: readonly string[] = fieldLines(desc, message),
): void {
  process.stdout.write(`${wantsJson(command) ? jsonLine(desc, message) : lines.join("\n")}\n`);
}
