// Writes path variables and query parameters into JSON (google/api/http.proto).

import { type DescField, type DescMessage, type JsonObject, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { type AuthError, malformed } from "../core/errors.ts";
import { isWellKnown } from "./message.ts";
import { isObject, wrongType } from "./mistakes.ts";

/** The fields that lead from a message to a value, the value's own field last. */
export type FieldPath = readonly DescField[];

/** Well-known types whose JSON is a string. */
const STRING_TYPES = ["google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"];

/**
 * Finds the field that a dotted name leads to; undefined for a name that is not in the contract.
 * @throws AuthError `malformed` for a field that a URL cannot hold: a message, a map, a list of messages
 */
export function findFieldPath(desc: DescMessage, dottedName: string): FieldPath | undefined {
  const path: DescField[] = [];
  const notInUrl = (fieldName = formatFieldPath(path)): AuthError =>
    malformed(`${fieldName} cannot be written in a URL`, fieldName);
  let message: DescMessage | undefined = desc;
  for (const name of dottedName.split(".")) {
    if (message !== undefined && isWellKnown(message)) throw notInUrl();
    const field: DescField | undefined = message?.fields.find((one) => one.name === name || one.jsonName === name);
    if (field === undefined) return undefined;
    path.push(field);
    message = field.fieldKind === "message" ? field.message : undefined;
  }
  if (!path.slice(-1).every(fitsUrl)) throw notInUrl();
  return path;
}

/** Whether a URL can hold a field. */
export function fitsUrl({ fieldKind, message }: DescField): boolean {
  if (message === undefined) return fieldKind !== "map";
  return fieldKind === "message" && STRING_TYPES.includes(message.typeName);
}

/** The path in the contract's spelling, as in `device.labels`. */
export function formatFieldPath(path: FieldPath): string {
  return path.map(({ name }) => name).join(".");
}

/**
 * Sets a field in a JSON object. It replaces a value under either spelling of the name.
 * @throws AuthError `malformed`
 */
export function setField(json: JsonObject, path: FieldPath, values: readonly string[]): void {
  const field = path.at(-1);
  if (field === undefined) return;
  const fieldName = formatFieldPath(path);
  const read = values.map((text) => readText(field, text, fieldName));
  const [value = null] = read;
  if (field.fieldKind !== "list" && read.length > 1) {
    throw malformed(`${fieldName} is sent ${read.length} times. Send it once`, fieldName);
  }
  let object = json;
  for (const [depth, parent] of path.slice(0, -1).entries()) {
    const present = takeValue(object, parent);
    const child = present === undefined ? {} : present;
    if (!isObject(child)) throw wrongType(formatFieldPath(path.slice(0, depth + 1)), "an object", child);
    object[parent.name] = child;
    object = child;
  }
  takeValue(object, field);
  object[field.name] = field.fieldKind === "list" ? read : value;
}

/** Removes a field's value in either spelling, and returns it. */
function takeValue(object: JsonObject, { name, jsonName }: DescField): JsonValue | undefined {
  const key = [name, jsonName].find((one) => Object.hasOwn(object, one));
  const value = key === undefined ? undefined : object[key];
  delete object[name];
  delete object[jsonName];
  return value;
}

/** The JSON value of a parameter. Numbers stay text, which ProtoJSON accepts. */
function readText(field: DescField, text: string, fieldName: string): JsonValue {
  if (field.enum !== undefined) return /^-?\d{1,10}$/.test(text) ? Number(text) : text;
  if (field.scalar !== ScalarType.BOOL) return text;
  if (text === "true" || text === "false") return text === "true";
  throw malformed(`${fieldName} is neither true nor false`, fieldName);
}

/**
 * Reads a query string (application/x-www-form-urlencoded), in the order of its names.
 * @throws AuthError `malformed` when it is not percent-encoded UTF-8
 */
export function readQuery(query: string): ReadonlyMap<string, readonly string[]> {
  try {
    decodeURIComponent(query);
  } catch {
    throw malformed("the query is not percent-encoded UTF-8");
  }
  const byName = Map.groupBy(new URLSearchParams(query), ([name]) => name);
  return new Map([...byName].map(([name, pairs]) => [name, pairs.map(([, value]) => value)]));
}
