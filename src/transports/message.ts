// Bytes or JSON to a message by its descriptor (for JSON, protobuf's mapping), naming the exact mistake. Knows no service.

import {
  type DescEnum,
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { distance } from "fastest-levenshtein";
import { malformed } from "../core/errors.ts";
import type { Json, JsonObject } from "./json.ts";
import { checkScalar, nameOf, wrongType } from "./scalar.ts";

/** A name at most this many edits from a known one, with the known one absent, is taken for a slip; short ones by fewer. */
const MOST_EDITS = 2;
const LETTERS_AN_EDIT = 2.5;
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

/** Reads a message from protobuf's own encoding. @throws AuthError `malformed` */
export function readBinary<Desc extends DescMessage>(desc: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(desc, bytes);
  } catch {
    throw malformed("the body is not a protobuf message of this method");
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
    case "list":
      if (!Array.isArray(value)) throw wrongType(place, "an array", value);
      return value.map((item) => checkValue(field, item, place));
    case "map":
      if (!isObject(value)) throw wrongType(place, "an object", value);
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, checkValue(field, item, place)]));
    default:
      return checkValue(field, value, place);
  }
}

/** Checks one value: a field's own, or an item of its list or map. */
function checkValue(field: DescField, value: Json, place: string): JsonValue {
  if (field.enum !== undefined) return checkEnum(field.enum, value, place);
  if (field.message !== undefined) {
    return field.message.typeName.startsWith("google.protobuf.")
      ? checkWellKnown(field.message, value, place)
      : checkMessage(field.message, value, place);
  }
  return checkScalar(field.scalar ?? ScalarType.STRING, value, place);
}

function checkEnum({ values }: DescEnum, value: Json, place: string): JsonValue {
  if (typeof value === "number") {
    checkScalar(ScalarType.INT32, value, place);
    return value;
  }
  if (typeof value !== "string") throw wrongType(place, "the name of an enum value", value);
  if (values.some(({ name }) => name === value)) return value;
  throw malformed(`${place} is none of ${values.map(({ name }) => name).join(" ")}`, place);
}

/** Well-known types have forms of their own, which fromJson knows. */
function checkWellKnown(message: DescMessage, value: Json, place: string): JsonValue {
  const json = plain(value);
  try {
    fromJson(message, json);
  } catch {
    throw malformed(`${place} is not of the form that ${message.name} has in JSON`, place);
  }
  return json;
}

function plain(value: Json): JsonValue {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value.map(plain);
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
  // Far from it by its length alone: of a stranger's long names none is looked at.
  if (key.length > 2 * name.length + MOST_EDITS) return false;
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const edits = Math.min(MOST_EDITS, Math.floor(bare(name).length / LETTERS_AN_EDIT));
  return distance(bare(key), bare(name)) <= edits;
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
