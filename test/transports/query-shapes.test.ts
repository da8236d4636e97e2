// Query parameters for what is no plain value, rule by rule of google/api/http.proto: lists, messages, well-known types.

import type { JsonValue } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../core/refusal.ts";
import { thingOf } from "./rule-service.ts";

type Row = readonly [query: string, message: JsonValue];
const holds = ([query, message]: Row): void => expect(thingOf(query)).toEqual(message);

describe("a repeated field", () => {
  test.for<Row>([
    ["tags=a", { tags: ["a"] }],
    ["tags=a&tags=b&tags=a", { tags: ["a", "b", "a"] }],
    ["tags=a&name=x&tags=b", { tags: ["a", "b"], name: "x" }],
    ["tags=a,b", { tags: ["a,b"] }],
    ["tags=", { tags: [""] }],
    ["numbers=1&numbers=-9007199254740993", { numbers: ["1", "-9007199254740993"] }],
    ["part.labels=a&part.labels=b", { part: { labels: ["a", "b"] } }],
  ])("takes its parameter as often as it comes, in order: %s", holds);

  test.for(["numbers=a", "numbers=1&numbers=", "numbers=1.5", "kinds=KIND_HUGE"])(
    "has a wrong value told by its field: %s",
    (query) => {
      const refusal = refusalOf(() => thingOf(query));
      expect([refusal.reason, refusal.particulars.field]).toEqual(["malformed", query.split("=")[0]]);
    },
  );
});

describe("a field that is not repeated", () => {
  test.for([
    ["name=a&name=b", "name is there 2 times. Send it once", "name"],
    ["name=a&name=a&name=a", "name is there 3 times. Send it once", "name"],
    ["part.size=1&part.size=2", "part.size is there 2 times. Send it once", "part.size"],
    ["kind=1&kind=1", "kind is there 2 times. Send it once", "kind"],
  ] as const)("comes once: %s", ([query, message, field]) => {
    const refusal = refusalOf(() => thingOf(query));
    expect([refusal.message, refusal.particulars]).toEqual([message, { field }]);
  });
});

describe("a message", () => {
  test.for<Row>([
    ["part.part_id=a", { part: { part_id: "a" } }],
    ["part.partId=a&otherPart.size=2", { part: { part_id: "a" }, other_part: { size: 2 } }],
    ["part.part_id=a&part.size=1", { part: { part_id: "a", size: 1 } }],
    ["part.inner.inner.size=3&part.size=1", { part: { size: 1, inner: { inner: { size: 3 } } } }],
  ])("has each of its fields as a parameter of its own: %s", holds);

  test.for(["part=a", "part=", "part.inner=a", "parts=a", "labels=a", "times=2021-05-03T12:46:31Z"])(
    "is not itself written in a URL, nor a map or a list of messages: %s",
    (query) => {
      const field = query.split("=")[0];
      const refusal = refusalOf(() => thingOf(query));
      expect([refusal.message, refusal.particulars]).toEqual([`${field} cannot be written in a URL`, { field }]);
    },
  );

  test.for(["structure=a", "value=a", "any=a", "structure.fields=a", "at.seconds=5", "text_value.value=a"])(
    "is not written in a URL when it is of any shape, nor in parts when it has a form of its own: %s",
    (query) => {
      expect(refusalOf(() => thingOf(query)).message).toBe(`${query.split(/[.=]/)[0]} cannot be written in a URL`);
    },
  );

  test.for(["value.string_value=a", "value.number_value=1", "value.bool_value=true", "value.nothing=1"])(
    "of any shape has no parameters of its own, since its JSON has no such fields: %s",
    (query) => {
      const refusal = refusalOf(() => thingOf(query));
      expect([refusal.reason, refusal.message]).toEqual(["malformed", "value cannot be written in a URL"]);
      expect(refusal.particulars).toEqual({ field: "value" });
    },
  );

  test("has a wrong value told by its path", () => {
    expect(refusalOf(() => thingOf("part.inner.size=x")).particulars).toEqual({ field: "part.inner.size" });
    expect(refusalOf(() => thingOf("part.size=4294967296")).message).toBe("part.size is out of range");
  });
});

describe("a oneof", () => {
  test.for([
    ["left=a&right=1", "left", "right", "choice"],
    ["right=1&left=a", "right", "left", "choice"],
    ["neither=NULL_VALUE&name=n&right=1", "neither", "right", "choice"],
    ["part.square=1&part.round=", "part.square", "part.round", "form"],
  ] as const)("has one of its fields sent, at most: %s", ([query, first, second, oneof]) => {
    const refusal = refusalOf(() => thingOf(query));
    expect([refusal.message, refusal.particulars]).toEqual([
      `${first} and ${second} are both there and exclude each other by the oneof ${oneof}. Send one of them`,
      { field: second },
    ]);
  });

  test.for<Row>([
    ["right=0", { right: 0 }],
    ["left=", { left: "" }],
    ["left=a&part.square=1&other_part.round=r", { left: "a", part: { square: 1 }, other_part: { round: "r" } }],
  ])("takes any one of them: %s", holds);
});

describe("a well-known type", () => {
  test.for<Row>([
    ["at=2021-05-03T12:46:31Z", { at: "2021-05-03T12:46:31Z" }],
    ["at=2021-05-03T12:46:31.5%2B02:00", { at: "2021-05-03T10:46:31.500Z" }],
    ["wait=1.5s", { wait: "1.500s" }],
    ["wait=-3s", { wait: "-3s" }],
    ["mask=name,part.partId", { mask: "name,part.partId" }],
    ["text_value=a", { text_value: "a" }],
    ["bool_value=true", { bool_value: true }],
    ["int32_value=-1", { int32_value: -1 }],
    ["int64_value=9007199254740993", { int64_value: "9007199254740993" }],
    ["uint32_value=4294967295", { uint32_value: 4294967295 }],
    ["uint64_value=18446744073709551615", { uint64_value: "18446744073709551615" }],
    ["double_value=1.5", { double_value: 1.5 }],
    ["float_value=0.25", { float_value: 0.25 }],
    ["bytes_value=AP8%3D", { bytes_value: "AP8=" }],
    ["int32_value=0", { int32_value: 0 }],
  ])("is written as the string or scalar that its JSON is: %s", holds);

  test.for([
    "at=yesterday",
    "at=1620045991",
    "at=",
    "wait=5",
    "wait=1m",
    "int32_value=a",
    "int32_value=2147483648",
    "uint32_value=-1",
    "double_value=a",
    "bytes_value=*",
  ])("has a wrong value told by its field: %s", (query) => {
    const refusal = refusalOf(() => thingOf(query));
    expect([refusal.reason, refusal.particulars.field]).toEqual(["malformed", query.split("=")[0]]);
  });
});
