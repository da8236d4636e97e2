// Names the mistake in a media type or a JSON value.

import { type DescField, type JsonObject, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { distance } from "fastest-levenshtein";
import { AuthError, malformed } from "../core/errors.ts";

/** An unknown name within this many edits of an absent field is taken for misspelt; short names allow fewer. */
const MAX_EDITS = 2;
const LETTERS_PER_EDIT = 2.5;

export function isNearMiss(sent: string, name: string): boolean {
  // The length alone shows that a name is too different.
  if (sent.length > 2 * name.length + MAX_EDITS) return false;
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const edits = Math.min(MAX_EDITS, Math.floor(bare(name).length / LETTERS_PER_EDIT));
  return distance(bare(sent), bare(name)) <= edits;
}

export function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** The error for a Content-Type that is not accepted. */
export function unsupportedMediaType(sent: string | undefined, wanted: string): AuthError {
  const [type] = /^[\w.+-]{1,40}\/[\w.+-]{1,40}(?=\s*(?:;|$))/.exec(sent?.trim() ?? "") ?? [];
  const problem = sent ? (type ?? "not of the form type/subtype") : "missing";
  return new AuthError("unsupported_media_type", `the Content-Type is ${problem}. Send ${wanted}`);
}

/** The error for a value of the wrong type, with the right type. `fieldName` is empty for the body. */
export function wrongType(fieldName: string, wanted: string, value: JsonValue, verb = "is"): AuthError {
  const type = Array.isArray(value) ? "an array" : isObject(value) ? "an object" : `a ${typeof value}`;
  const message = `${fieldName || "the body"} ${verb} ${value === null ? "null" : type}. Send ${wanted}`;
  return malformed(message, fieldName || undefined);
}

/** The error for a value that does not fit its field. */
export function nameMistake(field: DescField, value: JsonValue, fieldName: string): AuthError {
  const { fieldKind, message, scalar } = field;
  if (fieldKind === "list" && !Array.isArray(value)) return wrongType(fieldName, "an array", value);
  if (fieldKind === "map" && !isObject(value)) return wrongType(fieldName, "an object", value);
  if (message !== undefined)
    return malformed(`${fieldName} is not of the form that ${message.name} has in JSON`, fieldName);
  const isContainer = fieldKind === "list" || fieldKind === "map";
  const items = isContainer ? Object.values(value ?? {}) : [value];
  const { types, wanted } = WANTED[field.enum === undefined ? (scalar ?? ScalarType.STRING) : "enum"] ?? NUMBER;
  const wrong = items.find((item) => !types.includes(typeof item));
  if (wrong !== undefined) return wrongType(fieldName, wanted, wrong, isContainer ? "holds" : "is");
  if (isContainer)
    return malformed(`${fieldName} holds a value that does not fit. Compare it with the contract`, fieldName);
  return malformed(`${fieldName} ${explain(field, value)}`, fieldName);
}

const NUMBER = { types: "string number", wanted: "a whole number" };
const WANTED: Readonly<Partial<Record<ScalarType | "enum", typeof NUMBER>>> = {
  [ScalarType.STRING]: { types: "string", wanted: "a string" },
  [ScalarType.BYTES]: { types: "string", wanted: "base64 in a string" },
  [ScalarType.BOOL]: { types: "boolean", wanted: "true or false" },
  enum: { types: "string number", wanted: "the name of an enum value" },
};

/** Describes the mistake in a value of the right type. */
function explain({ enum: desc, scalar }: DescField, value: JsonValue): string {
  if (desc !== undefined) return `is not one of ${desc.values.map(({ name }) => name).join(" ")}`;
  if (scalar === ScalarType.STRING) return "holds half of a surrogate pair. Send whole characters";
  if (scalar === ScalarType.BYTES) return "is not base64";
  if (typeof value === "string" && !/^-?\d+$/.test(value)) {
    return "is a string that is not a whole number. Send decimal digits alone without leading zeros";
  }
  const isFraction = Number.isFinite(value) && !Number.isInteger(value);
  return isFraction ? "has a fraction. Send a whole number" : "is out of range";
}
