// Prints what a call answers: one resource of the contract, or what became of it. Knows descriptors, and no message.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { fieldLines, jsonLine } from "./fields.ts";
import { wantsJson } from "./output.ts";

/** Prints a resource: a line a field, or as JSON. */
export function writeResource<Desc extends DescMessage>(
  command: Command,
  desc: Desc,
  message: MessageShape<Desc>,
  headline?: string,
): void {
  const lines = headline === undefined ? fieldLines(desc, message) : [headline];
  process.stdout.write(`${wantsJson(command) ? jsonLine(desc, message) : lines.join("\n")}\n`);
}
