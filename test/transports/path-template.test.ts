// Path templates, rule by rule of google/api/http.proto: the grammar, and what each template matches.

import { describe, expect, test } from "vitest";
import { compareSpecificity, parsePathTemplate } from "../../src/transports/path-template.ts";

const match = (template: string, path: string): readonly string[] | undefined =>
  parsePathTemplate(template).match(path);

/** Each row: a template, a path, and the variables' values; undefined where it does not match. */
type Row = readonly [template: string, path: string, values: readonly string[] | undefined];

const holds = ([template, path, values]: Row): void => expect(match(template, path)).toEqual(values);

describe("a literal", () => {
  test.for<Row>([
    ["/v1/things", "/v1/things", []],
    ["/v1/things", "/v1/Things", undefined],
    ["/v1/things", "/v1/things/", undefined],
    ["/v1/things", "/v1/thing", undefined],
    ["/v1/things", "/v1/thingsandmore", undefined],
    ["/v1/things", "/v1//things", undefined],
    ["/v1/things", "/x/v1/things", undefined],
    ["/v1/things", "v1/things", undefined],
    ["/v1/things", "", undefined],
    ["/v1.0/a+b(c)$", "/v1.0/a+b(c)$", []],
    ["/v1.0", "/v1x0", undefined],
  ])("matches its own text alone: %s, %s", holds);

  test.for<Row>([
    ["/v1/things", "/v1/%74hing%73", []],
    ["/v1/a-b_c.d~e", "/v1/a%2Db%5Fc%2ed%7Ee", []],
    ["/v1/things", "/v1%2Fthings", undefined],
    ["/v1/a+b", "/v1/a%2Bb", undefined],
    ["/v1/caf%C3%A9", "/v1/caf%C3%A9", []],
    ["/v1/caf%C3%A9", "/v1/caf%c3%a9", []],
    ["/v1/%74hings", "/v1/things", []],
  ])("is the same with unreserved characters encoded, and hex digits in either case: %s, %s", holds);
});

describe("a star", () => {
  test.for<Row>([
    ["/v1/*", "/v1/a", []],
    ["/v1/*", "/v1/a%2Fb", []],
    ["/v1/*", "/v1/", undefined],
    ["/v1/*", "/v1", undefined],
    ["/v1/*", "/v1/a/b", undefined],
    ["/v1/*/b", "/v1/a/b", []],
    ["/v1/*/b", "/v1//b", undefined],
    ["/*/*", "/a/b", []],
  ])("matches one segment, which has a character at least: %s, %s", holds);
});

describe("two stars", () => {
  test.for<Row>([
    ["/v1/**", "/v1", []],
    ["/v1/**", "/v1/a", []],
    ["/v1/**", "/v1/a/b/c", []],
    ["/v1/**", "/v1x", undefined],
    ["/v1/**", "/v2/a", undefined],
    ["/v1/**", "/v1/", undefined],
    ["/v1/**", "/v1//", undefined],
    ["/v1/**", "/v1//a", undefined],
    ["/v1/**", "/v1/a/", undefined],
    ["/v1/**", "/v1/a//b", undefined],
    ["/v1/*/**", "/v1/a", []],
    ["/v1/*/**", "/v1", undefined],
    ["/v1/{name=**}", "/v1", [""]],
    ["/v1/{name=**}", "/v1/", undefined],
    ["/v1/{name=**}", "/v1//a", undefined],
    ["/v1/{name=**}", "/v1/a/", undefined],
    ["/v1/{name=**}", "/v1/a//b", undefined],
    ["/v1/{name=a/**}", "/v1/a", ["a"]],
    ["/v1/{name=a/**}", "/v1/a/", undefined],
    ["/v1/{name=a/**}", "/v1/a//b", undefined],
    ["/v1/{name=a/**}", "/v1/a/b/c", ["a/b/c"]],
    ["/v1/{name=a/**}", "/v1/ab", undefined],
  ])("match zero or more segments, none of them empty: %s, %s", holds);

  test.for<Row>([
    ["/**", "/", []],
    ["/**", "/a/b", []],
    ["/**", "//", undefined],
    ["/**", "//a", undefined],
    ["/**", "/a/", undefined],
    ["/**", "", undefined],
    ["/{name=**}", "/", [""]],
    ["/{name=**}", "/a/b", ["a/b"]],
    ["/{name=**}", "//a", undefined],
    ["/{name=**}:go", "/:go", [""]],
    ["/{name=a/**}", "/a/b", ["a/b"]],
  ])("at the root match it, the path of no segments: %s, %s", holds);

  test.for<Row>([
    ["/v1/**:go", "/v1/a/b:go", []],
    ["/v1/**:go", "/v1/:go", undefined],
    ["/v1/**:go", "/v1/a/:go", undefined],
    ["/v1/**:go", "/v1:go", []],
    ["/v1/**:go", "/v1/a/b", undefined],
    ["/v1/{name=**}:go", "/v1/a/b:go", ["a/b"]],
  ])("may be followed by a verb: %s, %s", holds);

  test.for(["/**/a", "/v1/**/*", "/**/**", "/{a=**}/b", "/{a=b/**}/c", "/{a=**/b}", "/{a=**}/{b}"])(
    "come last or not at all: %s",
    (template) => {
      expect(() => parsePathTemplate(template)).toThrow(
        new TypeError(`path template ${template}: ** may only come last`),
      );
    },
  );
});

describe("a verb", () => {
  test.for<Row>([
    ["/v1/{id}:disable", "/v1/x:disable", ["x"]],
    ["/v1/{id}:disable", "/v1/a:b:disable", ["a:b"]],
    ["/v1/{id}:disable", "/v1/x", undefined],
    ["/v1/{id}:disable", "/v1/:disable", undefined],
    ["/v1/{id}:disable", "/v1/x:enable", undefined],
    ["/v1/{id}:disable", "/v1/x:disabled", undefined],
    ["/v1/{id}:disable", "/v1/x%3Adisable", undefined],
    ["/v1/{id}", "/v1/x%3Adisable", ["x:disable"]],
    ["/v1/things:search", "/v1/things:search", []],
    ["/v1/things:search", "/v1/things", undefined],
    ["/v1/{name=things/*}:go", "/v1/things/a:go", ["things/a"]],
  ])("belongs to the path, after its last segment: %s, %s", holds);
});

describe("a variable", () => {
  test.for<Row>([
    ["/v1/{id}", "/v1/plain", ["plain"]],
    ["/v1/{id=*}", "/v1/plain", ["plain"]],
    ["/v1/{id}/of/{owner.name}", "/v1/x/of/y", ["x", "y"]],
    ["/v1/{id}", "/v1/", undefined],
    ["/v1/{id}", "/v1/a/b", undefined],
    ["/v1/{id=*}", "/v1/a/b", undefined],
  ])("without a template of its own is one segment: %s, %s", holds);

  test.for<Row>([
    ["/v1/{id}", "/v1/a%2Fb%2fc", ["a/b/c"]],
    ["/v1/{id}", "/v1/a%20b%3A%3f", ["a b:?"]],
    ["/v1/{id}", "/v1/%F0%9F%94%91", ["🔑"]],
    ["/v1/{id}", "/v1/%e2%82%ac", ["€"]],
    ["/v1/{id}", "/v1/a+b", ["a+b"]],
    ["/v1/{id}", "/v1/%2541", ["%41"]],
    ["/v1/{id}", "/v1/%252F", ["%2F"]],
    ["/v1/{id}", "/v1/%2E%2E", [".."]],
  ])("of one segment decodes all of it, and once: %s, %s", holds);

  test.for<Row>([
    ["/v1/{name=a/*}", "/v1/a/b", ["a/b"]],
    ["/v1/{name=a/*/c/*}", "/v1/a/b/c/d", ["a/b/c/d"]],
    ["/v1/{name=a/*}/d", "/v1/a/b/d", ["a/b"]],
    ["/v1/{name=a/*}/d", "/v1/a/b", undefined],
    ["/v1/{name=a/*}", "/v1/b/b", undefined],
    ["/v1/{name=*/*}", "/v1/a", undefined],
    ["/v1/{name=**}", "/v1/a/b", ["a/b"]],
    ["/v1/{name=a}", "/v1/a", ["a"]],
    ["/v1/{name=a}", "/v1/b", undefined],
  ])("with a template is what that matches, without a leading slash: %s, %s", holds);

  test.for<Row>([
    ["/v1/{name=a/*}", "/v1/a/b%2Fc", ["a/b%2Fc"]],
    ["/v1/{name=a/*}", "/v1/a/b%2fc", ["a/b%2fc"]],
    ["/v1/{name=**}", "/v1/a%2Fb%2fc/d", ["a%2Fb%2fc/d"]],
    ["/v1/{name=**}", "/v1/a%20b/%F0%9F%94%91%3F", ["a b/🔑?"]],
    ["/v1/{name=**}", "/v1/%2541", ["%41"]],
  ])("of several segments leaves an encoded slash as it is, and decodes the rest: %s, %s", holds);

  test.for(["/v1/%", "/v1/%z", "/v1/%zz", "/v1/%ff", "/v1/%c3", "/v1/%ed%a0%80"])(
    "matches nothing that does not decode: %s",
    (path) => {
      expect(match("/v1/{id}", path)).toBeUndefined();
      expect(match("/v1/{name=**}", path)).toBeUndefined();
    },
  );

  test("is told by its field, and by whether it is of several segments", () => {
    const { variables } = parsePathTemplate("/v1/{a}/{b.c=*}/{d=x/*}/{e_2=y}/{f=**}");
    expect(variables).toEqual([
      { fieldPath: "a", several: false },
      { fieldPath: "b.c", several: false },
      { fieldPath: "d", several: true },
      { fieldPath: "e_2", several: false },
      { fieldPath: "f", several: true },
    ]);
  });
});

test.for([
  { template: "/v1/a", literal: true },
  { template: "/v1/a:go", literal: true },
  { template: "/v1/*", literal: false },
  { template: "/v1/**", literal: false },
  { template: "/v1/{id}", literal: false },
  { template: "/v1/{name=a}", literal: false },
])("a template is literal when it is its own only path: $template", ({ template, literal }) => {
  expect(parsePathTemplate(template).literal).toBe(literal);
});

test.for([
  ["/v1/a", "/v1/*", "/v1/**", "/**"],
  ["/v1/a/*", "/v1/*/b", "/v1/*/*", "/v1/*/**", "/v1/**"],
  ["/v1/*:go", "/v1/*"],
  ["/v1/**:go", "/v1/**"],
  ["/v1/{name=a/*}", "/v1/{name=*/b}", "/v1/{name=**}"],
])("the one that says more comes first: %j", (ordered) => {
  const templates = ordered.map(parsePathTemplate);
  for (const input of [templates, templates.toReversed()]) {
    expect(input.toSorted(compareSpecificity).map(({ text }) => text)).toEqual(ordered);
  }
});
