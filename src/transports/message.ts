// Bytes or JSON to a message by its descriptor (for JSON, protobuf's mapping), naming the exact mistake. Knows no service.

import {
  createRegistry,
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageShape,
  type Registry,
  ScalarType,
} from "@bufbuild/protobuf";
import { hasCustomJsonRepresentation, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { distance } from "fastest-levenshtein";
import { namesDay } from "../core/calendar.ts";
import { malformed } from "../core/errors.ts";
import type { Json } from "./json.ts";
import { checkKey, checkScalar, isObject, nameOf, wrongType } from "./scalar.ts";

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
  const registry = registryOf(desc);
  const object = checkMessage(desc, json, "", registry);
  try {
    return fromJson(desc, object, { ignoreUnknownFields: true, registry });
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

const registries = new WeakMap<DescFile, Registry>();

/** The types that an Any within a message may be of: those of the message's file and of all that this imports. */
export function registryOf({ file }: DescMessage): Registry {
  const known = registries.get(file);
  if (known !== undefined) return known;
  const files = new Set([file]);
  // What is added while a set is walked is walked too.
  for (const { dependencies } of files) for (const one of dependencies) files.add(one);
  const registry = createRegistry(...files);
  registries.set(file, registry);
  return registry;
}

/** Well-known types have forms of their own, and no fields to a caller. */
export function isWellKnown({ typeName }: DescMessage): boolean {
  return typeName.startsWith("google.protobuf.");
}

/** Checks names and types all the way down; what comes back is JSON in protobuf's mapping. */
function checkMessage(desc: DescMessage, json: Json, path: string, types: Registry): Record<string, JsonValue> {
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
    const place = within(path, field.name);
    if (Object.hasOwn(checked, field.jsonName))
      throw malformed(`${place} is there in both spellings. Send it once`, place);
    const value = json[key];
    if (value === undefined || (value === null && !takesNull(field))) continue;
    checkOneof(field, checked, path);
    checked[field.jsonName] = checkField(field, value, place, types);
  }
  if (strange.length > 0) checkSlips(desc, strange, checked, path);
  return checked;
}

function within(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

const NULL_VALUE = "google.protobuf.NullValue";

/** Null is absence, but for the types that have it as a value (ProtoJSON). */
function takesNull(field: DescField): boolean {
  if (field.fieldKind === "message") return field.message.typeName === "google.protobuf.Value";
  return field.fieldKind === "enum" && field.enum.typeName === NULL_VALUE;
}

function checkOneof(field: DescField, present: object, path: string): void {
  const { oneof, name } = field;
  const other = oneof?.fields.find((one) => one !== field && Object.hasOwn(present, one.jsonName));
  if (oneof === undefined || other === undefined) return;
  const place = within(path, name);
  throw malformed(
    `${within(path, other.name)} and ${place} are both there and exclude each other by the oneof ${oneof.name}. Send one of them`,
    place,
  );
}

function checkField(field: DescField, value: Json, place: string, types: Registry): JsonValue {
  switch (field.fieldKind) {
    case "list":
      if (!Array.isArray(value)) throw wrongType(place, "an array", value);
      return value.map((item) => checkValue(field, item, place, types));
    case "map": {
      if (!isObject(value)) throw wrongType(place, "an object", value);
      const entries = new Map<string, JsonValue>();
      for (const [name, item] of Object.entries(value)) {
        const key = checkKey(field.mapKey, name, place);
        if (entries.has(key)) throw malformed(`${place} has the same key twice`, place);
        entries.set(key, checkValue(field, item, place, types));
      }
      return Object.fromEntries(entries);
    }
    default:
      return checkValue(field, value, place, types);
  }
}

/** Checks one value: a field's own, or an item of its list or map. */
function checkValue(field: DescField, value: Json, place: string, types: Registry): JsonValue {
  if (field.enum !== undefined) return checkEnum(field.enum, value, place);
  if (field.message !== undefined) {
    return isWellKnown(field.message)
      ? checkWellKnown(field.message, value, place, types)
      : checkMessage(field.message, value, place, types);
  }
  return checkScalar(field.scalar ?? ScalarType.STRING, value, place);
}

function checkEnum({ typeName, values }: DescEnum, value: Json, place: string): JsonValue {
  if (value === null && typeName === NULL_VALUE) return null;
  if (typeof value === "number") {
    checkScalar(ScalarType.INT32, value, place);
    return value;
  }
  if (typeof value !== "string") throw wrongType(place, "the name of an enum value", value);
  if (values.some(({ name }) => name === value)) return value;
  throw malformed(`${place} is none of ${values.map(({ name }) => name).join(" ")}`, place);
}

/** Well-known types have forms of their own, which fromJson knows. */
function checkWellKnown(message: DescMessage, value: Json, place: string, types: Registry): JsonValue {
  if (message.typeName === "google.protobuf.Any") return checkAny(value, place, types);
  if (isWrapperDesc(message)) return checkScalar(message.fields[0].scalar, value, place);
  const json = mapped(message, plain(value, place));
  try {
    fromJson(message, json, { ignoreUnknownFields: true });
  } catch {
    throw malformed(`${place} is not of the form that ${message.name} has in JSON`, place);
  }
  if (message.typeName === "google.protobuf.Timestamp" && typeof json === "string" && !namesDay(json)) {
    throw malformed(`${place} names a day that does not exist`, place);
  }
  return json;
}

/** ProtoJSON has the paths of a mask in camelCase; the contract's own spelling is as good, as everywhere. */
function mapped({ typeName }: DescMessage, json: JsonValue): JsonValue {
  if (typeName !== "google.protobuf.FieldMask" || typeof json !== "string") return json;
  return json.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** An Any is a message and the name of its type; one that has a form of its own is under `value` (ProtoJSON). */
function checkAny(value: Json, place: string, types: Registry): JsonValue {
  if (!isObject(value)) throw wrongType(place, "an object", value);
  if (Object.keys(value).length === 0) return {};
  const { "@type": type, ...fields } = value;
  if (typeof type !== "string" || type === "")
    throw malformed(`${place} does not name its type. Send its type URL`, place);
  const message = types.getMessage(type.slice(type.lastIndexOf("/") + 1));
  if (message === undefined) throw malformed(`${place} is of a type that is not in the contract`, place);
  if (!hasCustomJsonRepresentation(message)) return { "@type": type, ...checkMessage(message, fields, place, types) };
  const inner = within(place, "value");
  if (fields["value"] === undefined) throw malformed(`${inner} is missing`, inner);
  return { "@type": type, value: checkWellKnown(message, fields["value"], inner, types) };
}

/** JSON of any shape has doubles for numbers, and such as toJson can write again: JSON has no infinity. */
function plain(value: Json, place: string): JsonValue {
  if (typeof value === "bigint" || typeof value === "number") {
    const number = Number(value);
    if (Number.isFinite(number)) return number;
    throw malformed(`${place} holds a number that is out of range`, place);
  }
  if (typeof value !== "object" || value === null) return value;
  if (!isObject(value)) return value.map((item) => plain(item, place));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, place)]));
}

/** A near miss of a name that is absent is an error: ignored, it would be told as a missing field. */
function checkSlips(desc: DescMessage, strange: readonly string[], present: object, path: string): void {
  const absent = desc.fields.filter(({ jsonName }) => !Object.hasOwn(present, jsonName));
  for (const key of strange.slice(0, MAX_SLIPS_SOUGHT)) {
    const slip = absent.find(({ name }) => isSlip(key, name));
    if (slip === undefined) continue;
    const place = within(path, slip.name);
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
