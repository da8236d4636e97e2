// Methods with google.api.http rules of a test's choosing.

import {
  create,
  createFileRegistry,
  type DescMethod,
  type DescMethodUnary,
  type MessageInitShape,
  setExtension,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, MethodOptionsSchema } from "@bufbuild/protobuf/wkt";
import { http } from "../../gen/es/google/api/annotations_pb.ts";
import { HttpRuleSchema } from "../../gen/es/google/api/http_pb.ts";

export function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

export type Rule = MessageInitShape<typeof HttpRuleSchema>;

/** Methods A, B, C … with these rules; undefined is a method without one. Their input has the fields id and name. */
export function methodsWith(...rules: readonly (Rule | undefined)[]): DescMethodUnary[] {
  const file = create(FileDescriptorProtoSchema, {
    name: "test.proto",
    package: "test",
    syntax: "proto3",
    messageType: [
      {
        name: "In",
        field: ["id", "name"].map((name, place) => ({ name, jsonName: name, number: place + 1, label: 1, type: 9 })),
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
