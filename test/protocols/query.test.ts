// Query parameters set fields by the rules of google/api/http.proto.

import { type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readMessage } from "../../src/protocols/message.ts";
import { findFieldPath, readQuery, setField } from "../../src/protocols/query.ts";
import { caughtError } from "../core/caught-error.ts";
import { thing } from "./rule-service.ts";

/** Reads a query into a Thing. @returns its JSON with the contract's names */
function read(query: string, json: JsonObject = {}): JsonValue {
  for (const [name, values] of readQuery(query)) {
    const path = findFieldPath(thing, name);
    if (path !== undefined) setField(json, path, values);
  }
  return toJson(thing, readMessage(thing, json), { useProtoFieldName: true });
}

type Row = readonly [query: string, message: JsonValue];

test.for<Row>([
  ["name=a", { name: "a" }],
  ["name=", {}],
  ["name", {}],
  ["", {}],
  ["name=a=b", { name: "a=b" }],
  ["name=a%20b+c", { name: "a b c" }],
  ["name=%F0%9F%94%91", { name: "🔑" }],
  ["name=%2541", { name: "%41" }],
  ["%6eame=a", { name: "a" }],
  ["part%2Epart_id=a", { part: { part_id: "a" } }],
  ["count=-2147483648", { count: -2147483648 }],
  ["flag=true&flags=true&flags=false", { flag: true, flags: [true, false] }],
  ["kind=2", { kind: "KIND_SMALL" }],
  ["kinds=KIND_SMALL&kinds=1", { kinds: ["KIND_SMALL", "KIND_LARGE"] }],
  ["tags=a&name=x&tags=b,c", { tags: ["a", "b,c"], name: "x" }],
  ["part.partId=a&otherPart.size=2&part.size=1", { part: { part_id: "a", size: 1 }, other_part: { size: 2 } }],
  ["part.inner.inner.size=3", { part: { inner: { inner: { size: 3 } } } }],
  ["at=2021-05-03T12:46:31.5%2B02:00&wait=1.5s", { at: "2021-05-03T10:46:31.500Z", wait: "1.500s" }],
  ["mask=name,part.part_id", { mask: "name,part.partId" }],
])("a parameter sets the field that it names: %s", ([query, message]) => {
  expect(read(query)).toEqual(message);
});

test.for(["other=1", "Name=a", "part.other=1", "name.other=1", "part..size=1", "=1", "__proto__.name=1", "toString=1"])(
  "a parameter of an unknown name is ignored: %s",
  (query) => {
    expect(read(`${query}&id=x`)).toEqual({ id: "x" });
    expect(Reflect.get({}, "name")).toBeUndefined();
  },
);

const NOT_WHOLE = "is a string that is not a whole number. Send decimal digits alone without leading zeros";

test.for<readonly [query: string, message: string]>([
  ["count=a", `count ${NOT_WHOLE}`],
  ["flag=1", "flag is neither true nor false"],
  ["flags=true&flags=t", "flags is neither true nor false"],
  ["name=a&name=b", "name is sent 2 times. Send it once"],
  ["part.inner.size=x", `part.inner.size ${NOT_WHOLE}`],
  ...["part=a", "part.inner=a", "parts=a", "labels=a", "times=a", "structure=a", "value=a"].map(
    (query) => [query, `${query.split("=")[0]} cannot be written in a URL`] as const,
  ),
  ["at.seconds=5", "at cannot be written in a URL"],
  ["value.number_value=1", "value cannot be written in a URL"],
])("the error for a wrong parameter names its field: %s", ([query, message]) => {
  const error = caughtError(() => read(query));
  expect([error.reason, error.message]).toEqual(["malformed", message]);
  expect(error.details).toEqual({ field: message.split(" ")[0] });
});

test.for(["name=%", "name=%4", "name=%zz", "%=a", "other=%", "name=%ff", "name=%ed%a0%80", "a=%c3&b=%a9"])(
  "a query that is not percent-encoded UTF-8 is malformed: %s",
  (query) => {
    const error = caughtError(() => readQuery(query));
    expect([error.reason, error.message]).toEqual(["malformed", "the query is not percent-encoded UTF-8"]);
  },
);

describe("setting a field of a body", () => {
  test.for<JsonObject>([{ part: { part_id: "q", size: 1 } }, { part: { partId: "q", size: 1 } }])(
    "replaces its value in either spelling: %j",
    (body) => {
      expect(read("part.part_id=p", body)).toEqual({ part: { part_id: "p", size: 1 } });
    },
  );

  test("finds the parent message in either spelling", () => {
    expect(read("other_part.part_id=p", { otherPart: { size: 1 } })).toEqual({ other_part: { part_id: "p", size: 1 } });
  });

  test("refuses a parent that is not an object", () => {
    for (const part of [[], null, 1]) {
      expect(caughtError(() => read("part.part_id=p", { part }))).toMatchObject({
        message: expect.stringMatching(/^part is .*\. Send an object$/),
        details: { field: "part" },
      });
    }
  });
});

test("keeps every character of a string", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (name) => {
      const message = name === "" ? {} : { name };
      expect(read(`name=${encodeURIComponent(name)}`)).toEqual(message);
      expect(read(new URLSearchParams({ name }).toString())).toEqual(message);
    }),
  );
});

test("no query fails with anything but malformed", () => {
  const words = ["%41", "%ff", "name", "part", "size", "tags", "at", "labels", "kind", "flag", "1"];
  const piece = fc.constantFrom(..."=&.%+;[]?", ...words);
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string())), (pieces) => {
      try {
        read(pieces.join(""));
      } catch {
        expect(caughtError(() => read(pieces.join(""))).reason).toBe("malformed");
      }
    }),
    { numRuns: 300 },
  );
});
