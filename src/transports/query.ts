// Path variables and query parameters to JSON, by a message's descriptor (google/api/http.proto). Knows no service.

import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type AuthError, malformed } from "../core/errors.ts";
import type { Json } from "./json.ts";
import { isWellKnown } from "./message.ts";
import { isObject, wrongType } from "./scalar.ts";

/** The fields on the way to a value, the last one being its own. */
export type Leaf = readonly DescField[];

/** A JSON object under construction. */
export interface Draft {
  [name: string]: Json | Draft;
}

/** Well-known types whose JSON is a string, or a scalar that a string stands for. */
const WRITTEN_AS_TEXT = new Set([
  "google.protobuf.BoolValue",
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
  const unwritable = (): AuthError => malformed(`${placeOf(path)} cannot be written in a URL`, placeOf(path));
  let message: DescMessage | undefined = desc;
  for (const name of fieldPath.split(".")) {
    if (message !== undefined && isWellKnown(message)) throw unwritable();
    const field: DescField | undefined = message?.fields.find((one) => one.name === name || one.jsonName === name);
    if (field === undefined) return undefined;
    path.push(field);
    message = field.fieldKind === "message" ? field.message : undefined;
  }
  const leaf = path.at(-1);
  if (leaf === undefined || !isWritable(leaf)) throw unwritable();
  return path;
}

/** Every leaf that a query can name; of a message that holds itself, once. */
export function leavesOf(desc: DescMessage, within: Leaf = []): readonly Leaf[] {
  return desc.fields.flatMap((field): readonly Leaf[] => {
    const path = [...within, field];
    if (isWritable(field)) return [path];
    if (field.fieldKind !== "message" || isWellKnown(field.message)) return [];
    return within.some(({ message }) => message === field.message) ? [] : leavesOf(field.message, path);
  });
}

function isWritable(field: DescField): boolean {
  if (field.fieldKind === "map") return false;
  return field.message === undefined || (field.fieldKind === "message" && WRITTEN_AS_TEXT.has(field.message.typeName));
}

/** A leaf's place, as a caller is told of it. */
export function placeOf(path: Leaf): string {
  return path.map(({ name }) => name).join(".");
}

/**
 * Writes the values of a leaf into a draft, in place of what is there in either spelling of its name.
 * @throws AuthError `malformed`
 */
export function setLeaf(draft: Draft, path: Leaf, values: readonly string[]): void {
  const leaf = path.at(-1);
  const [value] = values;
  if (leaf === undefined || value === undefined) return;
  const place = placeOf(path);
  let level = draft;
  for (const [depth, field] of path.slice(0, -1).entries()) {
    const present = takeSpelling(level, field);
    const next = present === undefined ? {} : present;
    if (!isObject(next)) throw wrongType(placeOf(path.slice(0, depth + 1)), "an object", next);
    level[field.name] = next;
    level = next;
  }
  takeSpelling(level, leaf);
  if (leaf.fieldKind === "list") level[leaf.name] = values.map((one) => readText(leaf, one, place));
  else if (values.length === 1) level[leaf.name] = readText(leaf, value, place);
  else throw malformed(`${place} is there ${values.length} times. Send it once`, place);
}

/** What a draft has for a field, under its proto name or its JSON name; the latter gives way. */
function takeSpelling(level: Draft, { name, jsonName }: DescField): Json | Draft | undefined {
  const value = Object.hasOwn(level, name) ? level[name] : Object.hasOwn(level, jsonName) ? level[jsonName] : undefined;
  if (name !== jsonName) delete level[jsonName];
  return value;
}

/** A text as the JSON value that its field takes; numbers may be strings in JSON, so they stay as they are. */
function readText(field: DescField, text: string, place: string): Json {
  if (field.enum !== undefined) return /^-?\d{1,10}$/.test(text) ? Number(text) : text;
  const isBoolean = field.scalar === ScalarType.BOOL || field.message?.typeName === "google.protobuf.BoolValue";
  if (!isBoolean) return text;
  if (text === "true" || text === "false") return text === "true";
  throw malformed(`${place} is neither true nor false`, place);
}

/**
 * Reads a query string (application/x-www-form-urlencoded), the names in the order they came.
 * @throws AuthError `malformed` for what is not percent-encoded UTF-8
 */
export function readQuery(query: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const [name = "", ...rest] = pair.split("=");
    const key = decode(name);
    const value = decode(rest.join("="));
    const present = values.get(key);
    if (present === undefined) values.set(key, [value]);
    else present.push(value);
  }
  return values;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw malformed("the query is not percent-encoded UTF-8");
  }
}
