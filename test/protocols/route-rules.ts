// Builds methods with any google.api.http rules.

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
import type { RouteTable } from "../../src/protocols/routes.ts";

export function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

export type Rule = MessageInitShape<typeof HttpRuleSchema>;

/**
 * Methods A, B, C … with these rules; undefined is a method without one.
 * Their input has the strings id and name, inner, which is a message of the same type, and the list ids.
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
        method: rules.map((rule, index) => {
          const options = create(MethodOptionsSchema);
          if (rule !== undefined) setExtension(options, http, create(HttpRuleSchema, rule));
          const name = String.fromCharCode("A".charCodeAt(0) + index);
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

/** The method and variables of a request; without a route the verbs of its path. */
export function routeOf(table: RouteTable, verb: string, path: string): string {
  const match = table.match(verb, path);
  if (match === undefined) return `takes ${table.methodsAt(path).join(" ") || "nothing"}`;
  const { method, bound } = match.route;
  return method.name + match.values.map((value, at) => ` ${bound[at]?.at(-1)?.name}=${value}`).join("");
}
