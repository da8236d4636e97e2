// Messages of the contract as a command prints them: for programs as REST has them, for people field by field. Knows
// descriptors, and no message.

import { type DescField, type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";

/** As REST has it: every field, whatever its value, in snake_case. */
const WRITE = { alwaysEmitImplicit: true, useProtoFieldName: true };

/** A message in one line of JSON. */
export function jsonLine<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): string {
  return JSON.stringify(toJson(desc, message, WRITE));
}

/** The fields of a message that are not empty, in the order of the contract, each as text for people. */
export function fieldTexts<Desc extends DescMessage>(
  desc: Desc,
  message: MessageShape<Desc>,
): ReadonlyMap<string, string> {
  const json = toJson(desc, message, WRITE);
  if (typeof json !== "object" || json === null || Array.isArray(json)) return new Map();
  return new Map(
    desc.fields.flatMap((field) => {
      const value = json[field.name];
      const text = value === undefined ? "" : visible(fieldText(field, value));
      return text === "" ? [] : [[field.name, text] as const];
    }),
  );
}

/** `name value` lines, the values below each other. */
export function fieldLines<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): string[] {
  const texts = fieldTexts(desc, message);
  const width = Math.max(0, ...[...texts.keys()].map((name) => name.length));
  return [...texts].map(([name, text]) => `${name.padEnd(width)}  ${text}`);
}

/** Enums without the prefix that only the contract needs; maps as files of devices have labels. */
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

/** Characters that show nothing, and turn or part what is around them, as their code points: a terminal would obey them. */
function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16) ?? ""}}`);
}
