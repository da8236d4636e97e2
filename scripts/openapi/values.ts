// Scalars and well-known types as JSON Schema, by the protobuf JSON mapping.

import { type DescMessage, type JsonObject, type JsonValue, ScalarType } from "@bufbuild/protobuf";

/** Requests are read leniently and may leave fields out; answers have one form, with every field that has no presence. */
export type Direction = "request" | "answer";

/** A scalar's schema. Answers have 64-bit integers as strings (JSON's numbers are exact to 53 bits); requests accept both. */
export function scalarSchema(type: ScalarType, direction: Direction): JsonObject {
  switch (type) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "integer", format: "uint32", minimum: 0, maximum: 4_294_967_295 };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: wide(direction), format: "uint64", pattern: "^[0-9]{1,20}$" };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return { type: wide(direction), format: "int64", pattern: "^-?[0-9]{1,19}$" };
    default:
      return { type: "integer", format: "int32", minimum: -2_147_483_648, maximum: 2_147_483_647 };
  }
}

function wide(direction: Direction): JsonValue {
  return direction === "answer" ? "string" : ["integer", "string"];
}

/** Well-known types have JSON of their own (protobuf.dev/programming-guides/json). */
export function wellKnownSchema({ name }: DescMessage): JsonObject {
  switch (name) {
    case "Timestamp":
      return { type: "string", format: "date-time" };
    case "Duration":
      return { type: "string", pattern: "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$" };
    case "FieldMask":
      return { type: "string" };
    case "Value":
      return {};
    case "ListValue":
      return { type: "array" };
    default:
      return { type: "object" };
  }
}
