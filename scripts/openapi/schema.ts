// Messages as JSON Schema (2020-12), in the form of their REST JSON.

import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  type JsonObject,
  ScalarType,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt";
import { isWellKnown } from "../../src/protocols/message.ts";
import { type Direction, scalarSchema, wellKnownSchema } from "./values.ts";

/** Notes on a schema beside its descriptor. */
export interface SchemaNotes {
  /** The comment of a message, enum, field or enum value in the contract. */
  readonly commentOf: (desc: DescMessage | DescEnum | DescField | DescEnum["values"][number]) => string;
  /** Required fields, by the full name of their message: proto3 cannot mark them. */
  readonly required: Readonly<Record<string, readonly string[]>>;
}

export interface Schemas {
  /** A message by reference, or as it is when fields are left out that come from elsewhere. */
  message(desc: DescMessage, direction: Direction, without?: readonly DescField[]): JsonObject;
  /** A field's value, described. */
  field(field: DescField, direction: Direction): JsonObject;
  /** Schemas that were referred to so far, by name. */
  components(): JsonObject;
}

/** Builds schemas for requests and answers; `answers` are all the messages that answers begin with. */
export function createSchemas(answers: readonly DescMessage[], { commentOf, required }: SchemaNotes): Schemas {
  const answered = new Set<DescMessage>();
  for (const desc of answers) collect(desc, answered);
  const components = new Map<string, { desc: DescMessage | DescEnum; schema: JsonObject }>();

  function refer(desc: DescMessage | DescEnum, name: string, build: () => JsonObject): JsonObject {
    const known = components.get(name);
    if (known === undefined) {
      // Registered before it is built: a message may contain itself.
      components.set(name, { desc, schema: {} });
      components.set(name, { desc, schema: build() });
    } else if (known.desc !== desc) throw new TypeError(`${known.desc.typeName} and ${desc.typeName} are both ${name}`);
    return { $ref: `#/components/schemas/${name}` };
  }

  function message(desc: DescMessage, direction: Direction, without: readonly DescField[] = []): JsonObject {
    if (isWellKnown(desc)) return wellKnownSchema(desc);
    if (without.length > 0) return object(desc, direction, without);
    const suffix = direction === "request" && answered.has(desc) ? "Input" : "";
    return refer(desc, shortName(desc) + suffix, () => object(desc, direction, []));
  }

  function object(desc: DescMessage, direction: Direction, without: readonly DescField[]): JsonObject {
    const fields = desc.fields.filter((one) => !without.includes(one));
    const always = direction === "answer" ? fields.filter(isAlwaysThere) : fields.filter(isAskedFor);
    const description = [commentOf(desc), ...desc.oneofs.map(describeOneof)].filter((text) => text !== "").join("\n\n");
    return {
      type: "object",
      ...(description !== "" && { description }),
      properties: Object.fromEntries(fields.map((one) => [one.name, field(one, direction)])),
      ...(always.length > 0 && { required: always.map(({ name }) => name) }),
    };
  }

  function isAskedFor({ name, parent }: DescField): boolean {
    return required[parent.typeName]?.includes(name) ?? false;
  }

  function field(one: DescField, direction: Direction): JsonObject {
    const description = commentOf(one);
    return {
      ...container(one, value(one, direction)),
      ...(description !== "" && { description }),
      ...(one.deprecated && { deprecated: true }),
    };
  }

  /** The schema of a field's value, or of an item of its list or map. */
  function value(one: DescField, direction: Direction): JsonObject {
    if (one.message !== undefined) return message(one.message, direction);
    const { enum: names } = one;
    if (names?.typeName === "google.protobuf.NullValue") return { type: "null" };
    if (names !== undefined) return refer(names, shortName(names), () => enumeration(names));
    return scalarSchema(one.scalar ?? ScalarType.STRING, direction);
  }

  function enumeration(desc: DescEnum): JsonObject {
    const values = desc.values.map((one) => `- \`${one.name}\`: ${commentOf(one)}`);
    return {
      type: "string",
      description: [commentOf(desc), values.join("\n")].join("\n\n").trim(),
      enum: desc.values.map(({ name }) => name),
    };
  }

  return {
    message,
    field,
    components: () => Object.fromEntries([...components].map(([name, { schema }]) => [name, schema])),
  };
}

/** A type's name within its package. */
function shortName({ typeName, file }: DescMessage | DescEnum): string {
  return file.proto.package === "" ? typeName : typeName.slice(file.proto.package.length + 1);
}

function collect(desc: DescMessage, into: Set<DescMessage>): void {
  if (into.has(desc)) return;
  into.add(desc);
  for (const { message } of desc.fields) if (message !== undefined) collect(message, into);
}

/** Without presence a field is in every answer, whatever its value (protobuf's ProtoJSON, always_print_fields). */
function isAlwaysThere({ fieldKind, presence }: DescField): boolean {
  return fieldKind === "list" || fieldKind === "map" || presence === Presence.IMPLICIT;
}

function describeOneof({ fields }: DescOneof): string {
  return `At most one of ${fields.map(({ name }) => name).join(", ")}.`;
}

function container({ fieldKind }: DescField, items: JsonObject): JsonObject {
  if (fieldKind === "list") return { type: "array", items };
  return fieldKind === "map" ? { type: "object", additionalProperties: items } : items;
}
