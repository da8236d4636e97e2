// Path variables and query parameters to JSON, by a message's descriptor (google/api/http.proto). Knows no service.

import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { malformed } from "../core/errors.ts";
import type { Json } from "./json.ts";

/** The fields on the way to a value, the last one being its own. */
export type Leaf = readonly DescField[];

/** A JSON object under construction. */
export interface Draft {
  [name: string]: Json | Draft;
}

/** Well-known types whose JSON is a string, or a scalar that a string stands for. */
const WRITTEN_AS_TEXT = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
  "google.protobuf.StringValue",
  "google.protobuf.BytesValue",
  "google.protobuf.Int32Value",
  "google.protobuf.Int64Value",
  "google.protobuf.UInt32Value",
  "google.protobuf.UInt64Value",
  "google.protobuf.DoubleValue",
  "google.protobuf.FloatValue",
]);

/**
 * The leaf that a dotted path leads to; undefined when a name is not in the contract.
 * @throws AuthError `malformed` when it leads to what has no place in a URL: a message, a map, a list of messages
 */
export function findLeaf(desc: DescMessage, fieldPath: string): Leaf | undefined {
  const path: DescField[] = [];
  let message: DescMessage | undefined = desc;
  for (const name of fieldPath.split(".")) {
    const field: DescField | undefined = message?.fields.find((one) => one.name === name || one.jsonName === name);
    if (field === undefined) return undefined;
    path.push(field);
    message = field.fieldKind === "message" && !isText(field.message) ? field.message : undefined;
  }
  const leaf = path.at(-1);
  if (
    leaf === undefined ||
    message !== undefined ||
    leaf.fieldKind === "map" ||
    (leaf.fieldKind === "list" && leaf.listKind === "message")
  ) {
    const place = path.map(({ name }) => name).join(".");
    throw malformed(`${place} cannot be written in a URL`, place);
  }
  return path;
}

function isText({ typeName }: DescMessage): boolean {
  return WRITTEN_AS_TEXT.has(typeName) || typeName === "google.protobuf.BoolValue";
}

/** Writes the values of a leaf into a draft, each level under its proto name. @throws AuthError `malformed` */
export function setLeaf(draft: Draft, path: Leaf, values: readonly string[]): void {
  const leaf = path.at(-1);
  if (leaf === undefined) return;
  const place = path.map(({ name }) => name).join(".");
  let level = draft;
  for (const { name } of path.slice(0, -1)) {
    const next = level[name];
    level[name] = isDraft(next) ? next : {};
    level = isDraft(level[name]) ? level[name] : level;
  }
  if (leaf.fieldKind === "list") {
    level[leaf.name] = values.map((value) => readText(leaf, value, place));
    return;
  }
  const [value] = values;
  if (value === undefined) return;
  if (values.length > 1) throw malformed(`${place} is there ${values.length} times. Send it once`, place);
  level[leaf.name] = readText(leaf, value, place);
}

function isDraft(value: Json | Draft | undefined): value is Draft {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text as the JSON value that its field takes; numbers may be strings in JSON, so they stay as they are. */
function readText(field: DescField, text: string, place: string): Json {
  if (field.enum !== undefined) return /^-?\d{1,10}$/.test(text) ? Number(text) : text;
  const isBoolean = field.scalar === ScalarType.BOOL || field.message?.typeName === "google.protobuf.BoolValue";
  if (!isBoolean) return text;
  if (text === "true" || text === "false") return text === "true";
  throw malformed(`${place} is neither true nor false`, place);
}

/** Reads a query string; the names in the order they came. @throws AuthError `malformed` for a broken escape */
export function readQuery(query: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  if (/%(?![0-9a-f]{2})/i.test(query)) throw malformed("the query has a percent sign that starts no escape");
  for (const [name, value] of new URLSearchParams(query)) {
    const present = values.get(name);
    if (present === undefined) values.set(name, [value]);
    else present.push(value);
  }
  return values;
}
