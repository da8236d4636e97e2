// Methods with google.api.http rules of a test's choosing.

import {
  create,
  createFileRegistry,
  type DescMethod,
  type DescMethodUnary,
  type MessageInitShape,
  setExtension,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  MethodOptionsSchema,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { http } from "../../gen/es/google/api/annotations_pb.ts";
import { HttpRuleSchema } from "../../gen/es/google/api/http_pb.ts";
import type { RouteTable } from "../../src/transports/routes.ts";

export function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

export type Rule = MessageInitShape<typeof HttpRuleSchema>;

/**
 * Methods A, B, C … with these rules; undefined is a method without one. Their input has the fields id and name, which
 * are strings, inner, which is a message of the same kind, and ids, which is a list.
 */
export function methodsWith(...rules: readonly (Rule | undefined)[]): DescMethodUnary[] {
  const file = create(FileDescriptorProtoSchema, {
    name: "test.proto",
    package: "test",
    syntax: "proto3",
    messageType: [
      {
        name: "In",
        field: [
          { name: "id", number: 1, label: Label.OPTIONAL, type: Type.STRING },
          { name: "name", number: 2, label: Label.OPTIONAL, type: Type.STRING },
          { name: "inner", number: 3, label: Label.OPTIONAL, type: Type.MESSAGE, typeName: ".test.In" },
          { name: "ids", number: 4, label: Label.REPEATED, type: Type.STRING },
        ].map((field) => ({ ...field, jsonName: field.name })),
      },
    ],
    service: [
      {
        name: "Service",
        method: rules.map((rule, place) => {
          const options = create(MethodOptionsSchema);
          if (rule !== undefined) setExtension(options, http, create(HttpRuleSchema, rule));
          const name = String.fromCharCode("A".charCodeAt(0) + place);
          return { name, inputType: ".test.In", outputType: ".test.In", options };
        }),
      },
    ],
  });
  const service = createFileRegistry(file, () => undefined).getService("test.Service");
  return (service?.methods ?? []).filter(isUnary);
}

export const get = (path: string): Rule => ({ pattern: { case: "get", value: path } });
export const post = (path: string): Rule => ({ pattern: { case: "post", value: path }, body: "*" });
export const custom = (kind: string, path: string): Rule => ({ pattern: { case: "custom", value: { kind, path } } });

/** Where a request goes, in a line. */
export function where(table: RouteTable, verb: string, path: string): string {
  const found = table.match(verb, path);
  if (!("route" in found)) return `none, ${found.allowed.join(" ") || "nothing"} allowed`;
  const { method, leaves } = found.route;
  const variables = found.values.map((value, place) => ` ${leaves[place]?.at(-1)?.name}=${value}`);
  return method.name + variables.join("");
}
