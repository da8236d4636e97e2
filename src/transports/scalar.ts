// Scalars in the protobuf JSON mapping, checked and named when they are wrong; what a JSON value is. Knows no message.

import { type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { malformed } from "../core/errors.ts";
import type { Json, JsonObject } from "./json.ts";

const DECIMAL = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$|^(NaN|-?Infinity)$/;
const LARGEST_FLOAT = 3.4028234663852886e38;
/** Padding may be left out, of either alphabet; one character by itself is less than a byte. */
const BASE64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2,3}={0,2})?$/;

/** Checks a value against a scalar type; whole numbers come back as strings, exact to the last digit. */
export function checkScalar(type: ScalarType, value: Json, place: string): JsonValue {
  switch (type) {
    case ScalarType.STRING:
      if (typeof value !== "string") throw wrongType(place, "a string", value);
      return value;
    case ScalarType.BYTES:
      if (typeof value !== "string") throw wrongType(place, "base64 in a string", value);
      if (!BASE64.test(value)) throw malformed(`${place} is not base64`, place);
      return value;
    case ScalarType.BOOL:
      if (typeof value !== "boolean") throw wrongType(place, "true or false", value);
      return value;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return checkFloat(type, value, place);
    default:
      return checkInteger(type, value, place);
  }
}

function checkFloat(type: ScalarType, value: Json, place: string): JsonValue {
  if (typeof value === "string" && !DECIMAL.test(value))
    throw malformed(`${place} is a string that is no number`, place);
  if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "string") {
    throw wrongType(place, "a number", value);
  }
  if (typeof value === "string" && /[a-z]{3}/i.test(value)) return value;
  const number = Number(value);
  const most = type === ScalarType.FLOAT ? LARGEST_FLOAT : Number.MAX_VALUE;
  if (Math.abs(number) > most) throw malformed(`${place} is out of range`, place);
  return number;
}

function checkInteger(type: ScalarType, value: Json, place: string): JsonValue {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    throw malformed(`${place} is out of range`, place);
  }
  if (typeof value === "number" && !Number.isInteger(value)) {
    throw malformed(`${place} has a fraction. Send a whole number`, place);
  }
  if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "string") {
    throw wrongType(place, "a whole number", value);
  }
  const exact = typeof value === "string" ? readWhole(value) : BigInt(value);
  if (exact === undefined) {
    throw malformed(
      `${place} is a string that is not a whole number. Send decimal digits alone without leading zeros`,
      place,
    );
  }
  if (!isInRange(type, exact)) throw malformed(`${place} is out of range`, place);
  return exact.toString();
}

/** Checks the key of a map in the field at `place` against its type; keys that are equal come back the same. */
export function checkKey(type: ScalarType, key: string, place: string): string {
  if (type === ScalarType.STRING) return key;
  if (type === ScalarType.BOOL) {
    if (key === "true" || key === "false") return key;
    throw malformed(`${place} has a key that is neither true nor false`, place);
  }
  const exact = readWhole(key);
  if (exact === undefined) throw malformed(`${place} has a key that is not a whole number`, place);
  if (!isInRange(type, exact)) throw malformed(`${place} has a key that is out of range`, place);
  return exact.toString();
}

/** So much text is looked at: 64 bits have 20 digits. */
const MOST_CHARACTERS = 100;
const NUMBER = /^(-?(?:0|[1-9]\d*))(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A whole number in any of the ways that JSON writes it (`100`, `100.0`, `1e2`), exact; undefined for what is none. */
function readWhole(text: string): bigint | undefined {
  const parts = text.length > MOST_CHARACTERS ? null : NUMBER.exec(text);
  if (parts === null) return undefined;
  const [, digits = "", fraction = "", exponent = "0"] = parts;
  const all = BigInt(digits + fraction);
  const shift = Number(exponent) - fraction.length;
  // Ten to more than the characters changes nothing: the number is zero, beyond every range, or no whole one.
  const power = 10n ** BigInt(Math.min(Math.abs(shift), MOST_CHARACTERS));
  if (shift >= 0) return all * power;
  return all % power === 0n ? all / power : undefined;
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

function isInRange(type: ScalarType, exact: bigint): boolean {
  const { least, most } = INTEGER_RANGES[type] ?? INT64;
  return exact >= least && exact <= most;
}

/** A value of the wrong kind: what it is, and what to send instead. */
export function wrongType(place: string, wanted: string, value: Json): Error {
  return malformed(`${place} is ${nameOf(value)}. Send ${wanted}`, place);
}

/** What a value is, in words. */
export function nameOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  if (typeof value === "bigint" || typeof value === "number") return "a number";
  return typeof value === "string" ? "a string" : "a boolean";
}

/** Neither a scalar nor an array. */
export function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
