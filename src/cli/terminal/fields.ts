// Prints messages of the contract, and reads times and numbers from options.

import { type DescField, type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Command, InvalidArgumentError } from "commander";
import { parseDuration, readInstant } from "../../core/limit-text.ts";
import { wantsJson } from "./output.ts";

/** JSON as REST has it: every field, in snake_case. */
const AS_REST = { alwaysEmitImplicit: true, useProtoFieldName: true };

/** Prints a message as JSON, or as lines for people: one for each field, unless `lines` are given. */
export function writeResource<Desc extends DescMessage>(
  command: Command,
  desc: Desc,
  message: MessageShape<Desc>,
  lines: readonly string[] = fieldLines(desc, message),
): void {
  process.stdout.write(`${wantsJson(command) ? jsonLine(desc, message) : lines.join("\n")}\n`);
}

/** A message in one line of JSON. */
export function jsonLine<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): string {
  return JSON.stringify(toJson(desc, message, AS_REST));
}

/** The fields of a message that are not empty, in the order of the contract, each as text for people. */
export function fieldTexts<Desc extends DescMessage>(
  desc: Desc,
  message: MessageShape<Desc>,
): ReadonlyMap<string, string> {
  const json = toJson(desc, message, AS_REST);
  if (typeof json !== "object" || json === null || Array.isArray(json)) return new Map();
  return new Map(
    desc.fields.flatMap((field) => {
      const value = json[field.name];
      const text = value === undefined ? "" : escapeInvisible(fieldText(field, value));
      return text === "" ? [] : [[field.name, text] as const];
    }),
  );
}

function fieldLines<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): string[] {
  const texts = fieldTexts(desc, message);
  const width = Math.max(0, ...[...texts.keys()].map((name) => name.length));
  return [...texts].map(([name, text]) => `${name.padEnd(width)}  ${text}`);
}

/** A field's value as text. Enums lose the contract's prefix; maps have the form of labels in device files. */
function fieldText(field: DescField, value: JsonValue): string {
  if (field.fieldKind === "enum") {
    return field.enum.values.find(({ name }) => name === value)?.localName.toLowerCase() ?? String(value);
  }
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return JSON.stringify(value);
  return Object.entries(value)
    .map(([name, item]) => `${name}=${typeof item === "object" ? JSON.stringify(item) : String(item)}`)
    .join(";");
}

/** Control and formatting characters as code points: a terminal would obey them. */
function escapeInvisible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16) ?? ""}}`);
}

/** Reads a time in RFC 3339 from an option, for commander. */
export function readTimeOption(text: string): Timestamp {
  const at = readInstant(text);
  if (at === undefined) throw new InvalidArgumentError("Write a time as in 2026-01-31T12:00:00Z (RFC 3339).");
  return timestampFromMs(at);
}

/** Reads `30d`, `12h` or `15m` in milliseconds, for commander. */
export function readTimeSpan(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("Write a number and d, h or m, as in 30d.");
}

/** Reads a whole number from 1, for commander. */
export function readCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Write a whole number from 1.");
}
