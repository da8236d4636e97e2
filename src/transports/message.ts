// JSON to message by its descriptor (the protobuf JSON mapping), naming the exact mistake. Knows no service.

import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { distance } from "fastest-levenshtein";
import { malformed } from "../core/errors.ts";
import type { Json, JsonObject } from "./json.ts";

/** A name this many edits from a known one, with the known one absent, is taken for a slip. */
const SLIP = 2;
/** So many unknown names are looked at: enough for a person's slip, and no work for a stranger to cause. */
const MAX_SLIPS_SOUGHT = 16;

/**
 * Reads a message from JSON: either spelling of a name, unknown fields ignored.
 * @throws AuthError `malformed` with the field
 */
export function readMessage<Desc extends DescMessage>(desc: Desc, json: Json): MessageShape<Desc> {
  const object = checkMessage(desc, json, "");
  try {
    return fromJson(desc, object, { ignoreUnknownFields: true });
  } catch {
    throw malformed("the body does not fit the message. Compare it with the contract");
  }
}

/** A JSON object at the top, to be added to. @throws AuthError `malformed` when it is something else */
export function readObject(json: Json): { [name: string]: Json } {
  if (isObject(json)) return { ...json };
  throw malformed(`the body is ${nameOf(json)}. Send an object`);
}

/** Checks names and types all the way down; what comes back is JSON in protobuf's mapping. */
function checkMessage(desc: DescMessage, json: Json, path: string): JsonValue {
  if (!isObject(json))
    throw malformed(`${path === "" ? "the body" : path} is ${nameOf(json)}. Send an object`, path || undefined);
  const known = fieldsOf(desc);
  const checked: Record<string, JsonValue> = {};
  const strange: string[] = [];
  for (const key of Object.keys(json)) {
    const field = known.get(key);
    if (field === undefined) {
      strange.push(key);
      continue;
    }
    const place = `${path}${path === "" ? "" : "."}${field.name}`;
    if (Object.hasOwn(checked, field.jsonName))
      throw malformed(`${place} is there in both spellings. Send it once`, place);
    const value = json[key];
    if (value !== undefined && value !== null) checked[field.jsonName] = checkField(field, value, place);
  }
  if (strange.length > 0) checkSlips(desc, strange, checked, path);
  return checked;
}

function checkField(field: DescField, value: Json, place: string): JsonValue {
  switch (field.fieldKind) {
    case "scalar":
      return checkScalar(field.scalar, value, place);
    case "message":
      // Well-known types have forms of their own; fromJson knows them.
      return field.message.typeName.startsWith("google.protobuf.")
        ? plain(value, place)
        : checkMessage(field.message, value, place);
    case "enum":
      if (typeof value !== "string" && typeof value !== "number")
        throw wrongType(place, "the name of an enum value", value);
      if (typeof value === "string" && !field.enum.values.some(({ name }) => name === value)) {
        throw malformed(`${place} is none of ${field.enum.values.map(({ name }) => name).join(" ")}`, place);
      }
      return value;
    case "list":
    case "map":
      return plain(value, place);
  }
}

function checkScalar(type: ScalarType, value: Json, place: string): JsonValue {
  switch (type) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      if (typeof value !== "string") throw wrongType(place, "a string", value);
      return value;
    case ScalarType.BOOL:
      if (typeof value !== "boolean") throw wrongType(place, "true or false", value);
      return value;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      if (typeof value === "bigint") return Number(value);
      if (typeof value !== "number" && typeof value !== "string") throw wrongType(place, "a number", value);
      return value;
    default:
      return checkInteger(type, value, place);
  }
}

function checkInteger(type: ScalarType, value: Json, place: string): JsonValue {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    throw malformed(`${place} is out of range`, place);
  }
  if (typeof value === "number" && !Number.isInteger(value)) {
    throw malformed(`${place} has a fraction. Send a whole number`, place);
  }
  if (typeof value === "string" && !/^-?(0|[1-9]\d{0,39})$/.test(value)) {
    throw malformed(
      `${place} is a string that is not a whole number. Send decimal digits alone without leading zeros`,
      place,
    );
  }
  if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "string") {
    throw wrongType(place, "a whole number", value);
  }
  const exact = BigInt(value);
  const { least, most } = INTEGER_RANGES[type] ?? INT64;
  if (exact < least || exact > most) throw malformed(`${place} is out of range`, place);
  return exact.toString();
}

interface IntegerRange {
  readonly least: bigint;
  readonly most: bigint;
}

const INT32: IntegerRange = { least: -(2n ** 31n), most: 2n ** 31n - 1n };
const INT64: IntegerRange = { least: -(2n ** 63n), most: 2n ** 63n - 1n };
const UINT32: IntegerRange = { least: 0n, most: 2n ** 32n - 1n };
const UINT64: IntegerRange = { least: 0n, most: 2n ** 64n - 1n };

/** Those of fewer or other values than an int64. */
const INTEGER_RANGES: Readonly<Partial<Record<ScalarType, IntegerRange>>> = {
  [ScalarType.INT32]: INT32,
  [ScalarType.SINT32]: INT32,
  [ScalarType.SFIXED32]: INT32,
  [ScalarType.UINT32]: UINT32,
  [ScalarType.FIXED32]: UINT32,
  [ScalarType.UINT64]: UINT64,
  [ScalarType.FIXED64]: UINT64,
};

function plain(value: Json, place: string): JsonValue {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map((item) => plain(item, place));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, place)]));
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  throw wrongType(place, "a JSON value", value);
}

/** A near miss of a name that is absent is an error: ignored, it would be told as a missing field. */
function checkSlips(desc: DescMessage, strange: readonly string[], present: object, path: string): void {
  const absent = desc.fields.filter(({ jsonName }) => !Object.hasOwn(present, jsonName));
  for (const key of strange.slice(0, MAX_SLIPS_SOUGHT)) {
    const slip = absent.find(({ name }) => isSlip(key, name));
    if (slip === undefined) continue;
    const place = `${path}${path === "" ? "" : "."}${slip.name}`;
    // What the caller sent is repeated only when it is made of letters that can do no harm.
    const shown = /^[\w .-]+$/.test(key) ? `"${key}"` : "a name much like it";
    throw malformed(`${place} is missing and ${shown} is no field. Did you mean ${slip.name}`, place);
  }
}

function isSlip(key: string, name: string): boolean {
  if (Math.abs(key.length - name.length) > SLIP + 2) return false;
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  return distance(bare(key), bare(name)) <= SLIP;
}

const fieldMaps = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

function fieldsOf(desc: DescMessage): ReadonlyMap<string, DescField> {
  const known = fieldMaps.get(desc);
  if (known !== undefined) return known;
  const fields = new Map(
    desc.fields.flatMap(
      (field) =>
        [
          [field.name, field],
          [field.jsonName, field],
        ] as const,
    ),
  );
  fieldMaps.set(desc, fields);
  return fields;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nameOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  if (typeof value === "bigint" || typeof value === "number") return "a number";
  return typeof value === "string" ? "a string" : "a boolean";
}

function wrongType(place: string, wanted: string, value: Json): Error {
  return malformed(`${place} is ${nameOf(value)}. Send ${wanted}`, place);
}
