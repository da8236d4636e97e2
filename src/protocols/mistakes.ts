// Names the mistake in a JSON value that does not fit its field.

import { type DescField, type JsonObject, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { distance } from "fastest-levenshtein";
import { type AuthError, malformed } from "../core/errors.ts";

/** An unknown name within so many edits of an absent field is a near miss; short names allow fewer. */
const MAX_EDITS = 2;
const LETTERS_PER_EDIT = 2.5;

export function isNearMiss(sent: string, name: string): boolean {
  // Its length alone tells a name that is far off.
  if (sent.length > 2 * name.length + MAX_EDITS) return false;
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const edits = Math.min(MAX_EDITS, Math.floor(bare(name).length / LETTERS_PER_EDIT));
  return distance(bare(sent), bare(name)) <= edits;
}

export function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** The items of a list, the values of a map, or the value itself. */
function itemsOf({ fieldKind }: DescField, value: JsonValue): readonly JsonValue[] {
  const isContainer = fieldKind === "list" || fieldKind === "map";
  return isContainer && typeof value === "object" && value !== null ? Object.values(value) : [value];
}

/** A value of the wrong type: what it is, and what to send instead. `place` is empty for the body. */
export function wrongType(place: string, wanted: string, value: JsonValue, verb = "is"): AuthError {
  const type =
    value === null
      ? "null"
      : Array.isArray(value)
        ? "an array"
        : `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
  return malformed(`${place || "the body"} ${verb} ${type}. Send ${wanted}`, place || undefined);
}

interface Kind {
  readonly types: readonly string[];
  readonly wanted: string;
  /** What is wrong with a value of the right type. */
  readonly explain: (value: JsonValue) => string;
}

const KINDS: Readonly<Partial<Record<ScalarType, Kind>>> = {
  [ScalarType.STRING]: {
    types: ["string"],
    wanted: "a string",
    explain: () => "holds half of a surrogate pair. Send whole characters",
  },
  [ScalarType.BYTES]: { types: ["string"], wanted: "base64 in a string", explain: () => "is not base64" },
  [ScalarType.BOOL]: { types: ["boolean"], wanted: "true or false", explain: () => "is neither true nor false" },
  [ScalarType.DOUBLE]: { types: ["string", "number"], wanted: "a number", explain: () => "is no number in range" },
};

const WHOLE_NUMBER: Kind = {
  types: ["string", "number"],
  wanted: "a whole number",
  explain(value) {
    if (typeof value === "string" && !/^-?\d+$/.test(value)) {
      return "is a string that is not a whole number. Send decimal digits alone without leading zeros";
    }
    const isFraction = typeof value === "number" && Number.isFinite(value) && !Number.isInteger(value);
    return isFraction ? "has a fraction. Send a whole number" : "is out of range";
  },
};

function kindOf({ enum: desc, scalar }: DescField): Kind {
  if (desc === undefined) return KINDS[scalar ?? ScalarType.STRING] ?? WHOLE_NUMBER;
  const explain = (): string => `is none of ${desc.values.map(({ name }) => name).join(" ")}`;
  return { types: ["string", "number"], wanted: "the name of an enum value", explain };
}

/** Words the mistake in a value that its field does not take. */
export function nameMistake(field: DescField, value: JsonValue, place: string): AuthError {
  const { fieldKind, message } = field;
  if (fieldKind === "list" && !Array.isArray(value)) return wrongType(place, "an array", value);
  if (fieldKind === "map" && !isObject(value)) return wrongType(place, "an object", value);
  if (message !== undefined) return malformed(`${place} is not of the form that ${message.name} has in JSON`, place);
  const { types, wanted, explain } = kindOf(field);
  const isContainer = fieldKind === "list" || fieldKind === "map";
  const wrong = itemsOf(field, value).find((item) => !types.includes(typeof item));
  if (wrong !== undefined) return wrongType(place, wanted, wrong, isContainer ? "holds" : "is");
  if (isContainer) return malformed(`${place} holds a value that does not fit. Compare it with the contract`, place);
  return malformed(`${place} ${explain(value)}`, place);
}
