// Reads messages from JSON and from protobuf's binary format.

import {
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { malformed } from "../core/errors.ts";
import { parseJson } from "./json.ts";
import { isNearMiss, isObject, nameMistake, wrongType } from "./mistakes.ts";

/** Unknown names compared per message: a bound on the work that a stranger can cause. */
const MAX_UNKNOWN_NAMES = 16;

/**
 * Reads a message from ProtoJSON: names in either spelling, unknown fields ignored, null as absence.
 * @throws AuthError `malformed` with the field
 */
export function readMessage<Desc extends DescMessage>(desc: Desc, json: JsonValue): MessageShape<Desc> {
  try {
    return fromJson(desc, json);
  } catch {
    // The check below names the mistake.
  }
  const checked = checkMessage(desc, json, "");
  try {
    return fromJson(desc, checked, { ignoreUnknownFields: true });
  } catch {
    throw malformed("the body does not fit the message. Compare it with the contract");
  }
}

/** Reads a message from protobuf's binary format. @throws AuthError `malformed` */
export function readBinary<Desc extends DescMessage>(desc: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(desc, bytes);
  } catch {
    throw malformed("the body is not a protobuf message of this method");
  }
}

/** Well-known types have a JSON form of their own: a caller does not see their fields. */
export function isWellKnown({ typeName }: DescMessage): boolean {
  return typeName.startsWith("google.protobuf.");
}

/** Checks names and types; returns the JSON without unknown fields and with field masks in camelCase. */
function checkMessage(desc: DescMessage, json: JsonValue, path: string): JsonObject {
  if (!isObject(json)) throw wrongType(path, "an object", json);
  const checked: JsonObject = {};
  const unknown: string[] = [];
  const isPresent = ({ name }: DescField): boolean => Object.hasOwn(checked, name) && checked[name] !== null;
  const fieldNameOf = ({ name }: DescField): string => (path === "" ? name : `${path}.${name}`);
  for (const [key, value] of Object.entries(json)) {
    const field = desc.fields.find(({ name, jsonName }) => key === name || key === jsonName);
    if (field === undefined) {
      unknown.push(key);
      continue;
    }
    const fieldName = fieldNameOf(field);
    if (Object.hasOwn(checked, field.name)) {
      throw malformed(`${fieldName} is sent in both spellings. Send it once`, fieldName);
    }
    checked[field.name] = value === null ? null : checkField(field, value, fieldName);
  }
  const absent = desc.fields.filter((field) => !isPresent(field));
  for (const key of unknown.slice(0, MAX_UNKNOWN_NAMES)) {
    const meant = absent.find(({ name }) => isNearMiss(key, name));
    if (meant === undefined) continue;
    // Other characters could harm the terminal or page that shows the message.
    const shown = /^[\w .-]+$/.test(key) ? `"${key}"` : "a name much like it";
    const fieldName = fieldNameOf(meant);
    throw malformed(`${fieldName} is missing and ${shown} is not a field. Did you mean ${meant.name}`, fieldName);
  }
  return checked;
}

function checkField(field: DescField, value: JsonValue, fieldName: string): JsonValue {
  const { message } = field;
  if (message !== undefined && field.fieldKind !== "map" && !isWellKnown(message)) {
    if (field.fieldKind === "message") return checkMessage(message, value, fieldName);
    if (!Array.isArray(value)) throw wrongType(fieldName, "an array", value);
    return value.map((item) => checkMessage(message, item, fieldName));
  }
  // ProtoJSON has the paths of a mask in camelCase. The contract's own spelling is accepted too.
  const isMask = message?.typeName === "google.protobuf.FieldMask" && typeof value === "string";
  const mapped = isMask ? value.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) : value;
  if (!fits(field, mapped)) throw nameMistake(field, mapped, fieldName);
  return mapped;
}

/** Whether fromJson accepts a field's value. The check must not refuse what the parser accepts. */
function fits(field: DescField, value: JsonValue): boolean {
  try {
    // Unknown names are ignored in messages, not in enums.
    fromJson(field.parent, { [field.name]: value }, { ignoreUnknownFields: field.enum === undefined });
    return true;
  } catch {
    return false;
  }
}

/** An encoding of messages. */
export interface Codec {
  /** Its name in media types: `application/json`, `application/grpc+json`. */
  readonly name: "json" | "proto";
  /** @throws AuthError `malformed` */
  readonly read: <Desc extends DescMessage>(desc: Desc, bytes: Uint8Array) => MessageShape<Desc>;
  readonly write: <Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>) => string | Uint8Array;
}

export const JSON_CODEC: Codec = {
  name: "json",
  read: (desc, bytes) => readMessage(desc, parseJson(bytes)),
  write: (desc, message) => JSON.stringify(toJson(desc, message)),
};

export const PROTO_CODEC: Codec = {
  name: "proto",
  read: readBinary,
  write: (desc, message) => toBinary(desc, message),
};
