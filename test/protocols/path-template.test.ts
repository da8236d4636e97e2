// Path templates: what they match, and which are wrong.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareSpecificity, parsePathTemplate } from "../../src/protocols/path-template.ts";

describe("a template", () => {
  test.for<readonly [template: string, path: string, values: readonly string[] | undefined]>([
    ["/v1/things", "/v1/things", []],
    ["/v1/things", "/v1/thing%73", []],
    ["/v1/things", "/v1/things/", undefined],
    ["/v1/things", "/v1", undefined],
    ["/v1/things", "v1/things", undefined],
    ["/v1/things", "/V1/things", undefined],
    ["/v1/{id}", "/v1/a", ["a"]],
    ["/v1/{id}", "/v1/a%2Fb%20c", ["a/b c"]],
    ["/v1/{id}", "/v1/a+b", ["a+b"]],
    ["/v1/{id}", "/v1/a:go", ["a:go"]],
    ["/v1/{id}", "/v1/", undefined],
    ["/v1/{id}", "/v1/a/b", undefined],
    ["/v1/{id}", "/v1/%ff", undefined],
    ["/v1/{id}", "/v1/%zz", undefined],
    ["/v1/{a.b}/x/{c}", "/v1/1/x/2", ["1", "2"]],
    ["/v1/{id}:go", "/v1/a:go", ["a"]],
    ["/v1/{id}:go", "/v1/a:b:go", ["a:b"]],
    ["/v1/{id}:go", "/v1/a%3Ago", undefined],
    ["/v1/{id}:go", "/v1/:go", undefined],
    ["/v1/all:go", "/v1/all:go", []],
  ])("%s against %s gives %j", ([template, path, values]) => {
    expect(parsePathTemplate(template).match(path)).toEqual(values);
  });

  test("gives any segment back as it was before it was encoded", () => {
    const { match } = parsePathTemplate("/v1/{id}:go");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (id) => {
        expect(match(`/v1/${encodeURIComponent(id)}:go`)).toEqual([id]);
      }),
    );
  });

  test("names its fields and its shape", () => {
    const { fieldPaths, shape } = parsePathTemplate("/v1/{device.device_key}/keys/{id}:issue");
    expect([fieldPaths, shape]).toEqual([["device.device_key", "id"], "/v1/*/keys/*:issue"]);
  });
});

test("literals come before variables, a verb before none", () => {
  const templates = ["/v1/a:go", "/v1/a", "/v1/{id}:go", "/v1/{id}", "/{id}/a"].map(parsePathTemplate);
  expect(templates.toReversed().toSorted(compareSpecificity)).toEqual(templates);
});

test.for([
  ["v1", "it is no path with at most one verb at its end"],
  ["", "it is no path with at most one verb at its end"],
  ["/v1/", '"" is no literal and no variable'],
  ["/v1//a", '"" is no literal and no variable'],
  ["/v1/*", '"*" is no literal and no variable'],
  ["/v1/{id=*}", '"{id=*}" is no literal and no variable'],
  ["/v1/{}", '"{}" is no literal and no variable'],
  ["/v1/{id}x", '"{id}x" is no literal and no variable'],
  ["/v1/{id}/{id}", "a field is bound twice"],
  ["/v1/{id}:", "it is no path with at most one verb at its end"],
] as const)("%s is wrong: %s", ([template, what]) => {
  expect(() => parsePathTemplate(template)).toThrow(new TypeError(`path template ${template}: ${what}`));
});
