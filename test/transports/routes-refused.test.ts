// Rules that cannot be served: each is an error when the gateway starts.

import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { HttpRuleSchema } from "../../gen/es/google/api/http_pb.ts";
import { createRouteTable } from "../../src/transports/routes.ts";
import { get, methodsWith, post, type Rule } from "./route-rules.ts";

const WRONG: readonly { mistake: string; rules: readonly Rule[]; message: string }[] = [
  {
    mistake: "one literal path twice",
    rules: [get("/v1/a"), get("/v1/a")],
    message: "B: GET /v1/a is taken by another method",
  },
  {
    mistake: "one template twice",
    rules: [get("/v1/{id}"), get("/v1/{name}")],
    message: "B: GET /v1/* is taken by another method",
  },
  {
    mistake: "one custom verb twice",
    rules: [post("/v1/{id}:go"), post("/v1/{name}:go")],
    message: "B: POST /v1/*:go is taken by another method",
  },
  { mistake: "a field that is not there", rules: [get("/v1/{other}")], message: "A: test.In has no field other" },
  {
    mistake: "a body that is not there",
    rules: [{ ...get("/v1"), body: "other" }],
    message: "A: test.In has no field other",
  },
  {
    mistake: "a variable of many segments",
    rules: [get("/v1/{name=things/*}")],
    message: "A: {name=things is not served in a path template",
  },
  { mistake: "a wildcard", rules: [get("/v1/*")], message: "A: * is not served in a path template" },
  { mistake: "no slash", rules: [get("v1")], message: "A: v1 is no path template" },
  { mistake: "no pattern", rules: [{ body: "*" }], message: "A: the rule has no pattern" },
  {
    mistake: "more bindings",
    rules: [{ ...get("/v1"), additionalBindings: [create(HttpRuleSchema, get("/v2"))] }],
    message: "A: additional_bindings and response_body are not served",
  },
  {
    mistake: "a response body",
    rules: [{ ...get("/v1"), responseBody: "name" }],
    message: "A: additional_bindings and response_body are not served",
  },
];

test.for(WRONG)("is refused when the gateway starts: $mistake", ({ rules, message }) => {
  expect(() => createRouteTable(methodsWith(...rules))).toThrow(new TypeError(message));
});
