// Requests and answers with every kind of field fit their OpenAPI schemas.

import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOpenapi } from "../../scripts/openapi/document.ts";
import { notes } from "../../scripts/openapi-notes.ts";
import { type RuleServer, service as rules, serveRules } from "../protocols/rule-service.ts";
import { openDocument } from "./document.ts";

const ofRules = openDocument(createOpenapi([rules], { ...notes, commentOf: () => "", services: {}, required: {} }));

let server: RuleServer;
beforeAll(async () => {
  server = await serveRules();
});
afterAll(() => server.close(1_000));

const thing: JsonObject = {
  name: "n",
  count: -3,
  large_count: "18446744073709551615",
  flag: true,
  kind: "KIND_LARGE",
  data: "AAE=",
  maybe: 0,
  tags: ["a"],
  numbers: ["-9223372036854775808"],
  kinds: ["KIND_SMALL"],
  part: { part_id: "p", inner: { size: 7 } },
  parts: [{ labels: ["l"] }],
  labels: { one: "1" },
  at: "2026-01-01T00:00:00Z",
  wait: "1.5s",
  mask: "name,part.size",
  structure: { a: [1, null] },
  value: "v",
  times: ["2026-01-01T00:00:00Z"],
  right: 4,
};

test.each([
  { id: "Rules_Create", verb: "POST", path: "/v1/things/x", body: thing },
  { id: "Rules_Create", verb: "POST", path: "/v1/things/x", body: {} },
  { id: "Rules_Tags", verb: "PUT", path: "/v1/tags", body: ["a"] },
  { id: "Rules_Parts", verb: "PUT", path: "/v1/parts", body: [{ part_id: "p" }] },
  { id: "Rules_Get", verb: "GET", path: "/v1/things/x?count=many" },
])("$id $path", async ({ id, verb, path, body }) => {
  const pointer = ofRules.operations.find((one) => one.id === id)?.pointer;
  if (body !== undefined) {
    expect(ofRules.mistakes(`${pointer}/requestBody/content/application~1json/schema`, body)).toBe("");
  }
  const answer = fetch(server.url + path, {
    method: verb,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  await ofRules.hold(await answer, id);
});
