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
    message: "B: GET /v1/a is taken by another rule",
  },
  {
    mistake: "one template twice",
    rules: [get("/v1/{id}"), get("/v1/{name=*}")],
    message: "B: GET /v1/* is taken by another rule",
  },
  {
    mistake: "one custom verb twice",
    rules: [post("/v1/{id}:go"), post("/v1/{name}:go")],
    message: "B: POST /v1/*:go is taken by another rule",
  },
  {
    mistake: "one template of several segments twice, cut in other places",
    rules: [get("/v1/{id=a/*}"), get("/v1/a/{name}")],
    message: "B: GET /v1/a/* is taken by another rule",
  },
  {
    mistake: "a template for all paths twice",
    rules: [get("/v1/**"), get("/v1/{name=**}")],
    message: "B: GET /v1/** is taken by another rule",
  },
  {
    mistake: "a further binding that its own rule has taken",
    rules: [{ ...get("/v1/{id}"), additionalBindings: [create(HttpRuleSchema, get("/v1/{name}"))] }],
    message: "A: GET /v1/* is taken by another rule",
  },
  { mistake: "a field that is not there", rules: [get("/v1/{other}")], message: "A: test.In has no field other" },
  {
    mistake: "a field that is not there, further in",
    rules: [get("/v1/{inner.other}")],
    message: "A: test.In has no field inner.other",
  },
  {
    mistake: "a field within a string",
    rules: [get("/v1/{id.inner}")],
    message: "A: test.In has no field id.inner",
  },
  {
    mistake: "a message in a path",
    rules: [get("/v1/{inner}")],
    message: "A: inner cannot be written in a URL",
  },
  {
    mistake: "a list in a path",
    rules: [get("/v1/{inner.ids}")],
    message: "A: inner.ids is repeated: a path has it once",
  },
  {
    mistake: "a body that is not there",
    rules: [{ ...get("/v1"), body: "other" }],
    message: "A: test.In has no field other",
  },
  {
    mistake: "a body further in",
    rules: [{ ...get("/v1"), body: "inner.id" }],
    message: "A: test.In has no field inner.id",
  },
  {
    mistake: "an answer that is not there",
    rules: [{ ...get("/v1"), responseBody: "other" }],
    message: "A: test.In has no field other",
  },
  {
    mistake: "a template that breaks the grammar",
    rules: [get("v1")],
    message: "A: path template v1: it has to start with a slash",
  },
  { mistake: "no pattern", rules: [{ body: "*" }], message: "A: the rule has no pattern" },
  {
    mistake: "a further binding with none",
    rules: [{ ...get("/v1"), additionalBindings: [create(HttpRuleSchema)] }],
    message: "A: the rule has no pattern",
  },
  {
    mistake: "further bindings that nest",
    rules: [
      {
        ...get("/v1"),
        additionalBindings: [
          create(HttpRuleSchema, { ...get("/v2"), additionalBindings: [create(HttpRuleSchema, get("/v3"))] }),
        ],
      },
    ],
    message: "A: additional_bindings do not nest",
  },
];

test.for(WRONG)("is refused when the gateway starts: $mistake", ({ rules, message }) => {
  expect(() => createRouteTable(methodsWith(...rules))).toThrow(new TypeError(message));
});

test("two rules may have one template for different verbs", () => {
  expect(createRouteTable(methodsWith(get("/v1/{id}"), post("/v1/{id}"))).routes).toHaveLength(2);
});
