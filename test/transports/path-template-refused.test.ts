// Path templates that break the grammar of google/api/http.proto, each by its mistake; and any template, any path.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareSpecificity, parsePathTemplate } from "../../src/transports/path-template.ts";

test.for([
  ["", "it has to start with a slash"],
  ["v1", "it has to start with a slash"],
  ["*", "it has to start with a slash"],
  ["/", "it has an empty segment"],
  ["/v1/", "it has an empty segment"],
  ["//v1", "it has an empty segment"],
  ["/:go", "it has an empty segment"],
  ["/v1:", "what follows the colon is no verb"],
  ["/v1/{id}:", "what follows the colon is no verb"],
  ["/v1/{id}:*", "what follows the colon is no verb"],
  ["/v1/a:go:on", "a:go is no segment"],
  ["/v1/a:go/b", "a:go is no segment"],
  ["/v1/***", "*** is no segment"],
  ["/v1/a*", "a* is no segment"],
  ["/v1/{id", "{id is no segment"],
  ["/v1/id}", "v1/id} is no segment"],
  ["/v1/{}", "{} is no segment"],
  ["/v1/{=a}", "{=a} is no segment"],
  ["/v1/{id=}", "{id=} is no segment"],
  ["/v1/a{id}", "a{id} is no segment"],
  ["/v1/{id}a", "{id}a is no segment"],
  ["/v1/{id}{name}", "{id}{name} is no segment"],
  ["/v1/{a={b}}", "{a={b}} is no segment"],
  ["/v1/{a=b/{c}}", "{a=b is no segment"],
  ["/v1/{a=b//c}", "it has an empty segment"],
  ["/v1/{a=/b}", "it has an empty segment"],
  ["/v1/{a=b:go}", "b:go is no segment"],
  ["/v1/{1a}", "1a is no field path"],
  ["/v1/{a-b}", "a-b is no field path"],
  ["/v1/{a..b}", "a..b is no field path"],
  ["/v1/{.a}", ".a is no field path"],
  ["/v1/{a.}", "a. is no field path"],
  ["/v1/{ a }", " a  is no field path"],
  ["/v1/{*}", "* is no field path"],
  ["/v1/{a}/{a}", "a is bound twice"],
  ["/v1/a b", "a b is no segment"],
  ["/v1/a?b", "a?b is no segment"],
  ["/v1/é", "é is no segment"],
] as const)("is refused: %j", ([template, mistake]) => {
  expect(() => parsePathTemplate(template)).toThrow(new TypeError(`path template ${template}: ${mistake}`));
});

/** A segment of a template, and what fills it: text for each of its places, or the list of segments for `**`. */
interface Piece {
  readonly template: string;
  /** The path that it makes. */
  readonly path: string;
  /** What its variable is worth; undefined for none. */
  readonly value: string | undefined;
}

/** What a client does (google/api/http.proto): all but [-_.~0-9a-zA-Z] is percent-encoded. */
function encode(text: string): string {
  const upper = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, upper);
}

const unit = fc.oneof(
  fc.constantFrom(..."/?#[]@!$&'()*+,;=:%{} .~-_aB1", "%2F", "%2f", "%41"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
);
const filled = fc.string({ unit, minLength: 1, maxLength: 8 });
/** In a variable of several segments a slash within one could not be told from one between two. */
const slashless = filled.filter((text) => !text.includes("/"));
const literal = fc.stringMatching(/^[a-zA-Z0-9_.~-]{1,5}$/);
const names = ["a", "b_1", "c.d", "e.f.g", "H"];

const inner = fc.oneof(
  literal.map((text) => ({ template: text, path: text, value: text })),
  slashless.map((text) => ({ template: "*", path: encode(text), value: text })),
);
const tail = fc.array(slashless, { minLength: 1, maxLength: 3 });

function pieceOf(name: string): fc.Arbitrary<Piece> {
  return fc.oneof(
    literal.map((text) => ({ template: text, path: text, value: undefined })),
    filled.map((text) => ({ template: "*", path: encode(text), value: undefined })),
    filled.map((text) => ({ template: `{${name}}`, path: encode(text), value: text })),
    filled.map((text) => ({ template: `{${name}=*}`, path: encode(text), value: text })),
    fc.array(inner, { minLength: 2, maxLength: 3 }).map((parts) => ({
      template: `{${name}=${parts.map(({ template }) => template).join("/")}}`,
      path: parts.map(({ path }) => path).join("/"),
      value: parts.map(({ value }) => value).join("/"),
    })),
  );
}

const last: fc.Arbitrary<Piece> = fc.oneof(
  tail.map((parts) => ({ template: "{z=**}", path: parts.map(encode).join("/"), value: parts.join("/") })),
  fc.tuple(literal, tail).map(([text, parts]) => ({
    template: `{z=${text}/**}`,
    path: [text, ...parts.map(encode)].join("/"),
    value: [text, ...parts].join("/"),
  })),
  tail.map((parts) => ({ template: "**", path: parts.map(encode).join("/"), value: undefined })),
);

const filledTemplates = fc
  .tuple(
    fc.tuple(...names.map(pieceOf)),
    fc.integer({ min: 1, max: names.length }),
    fc.option(last, { nil: undefined }),
    fc.option(literal, { nil: undefined }),
  )
  .map(([pieces, count, end, verb]) => {
    const all = [...pieces.slice(0, count), ...(end === undefined ? [] : [end])];
    const suffix = verb === undefined ? "" : `:${verb}`;
    return {
      template: `/${all.map(({ template }) => template).join("/")}${suffix}`,
      path: `/${all.map(({ path }) => path).join("/")}${suffix}`,
      values: all.flatMap(({ value }) => value ?? []),
    };
  });

const garbage = fc
  .array(fc.oneof(fc.constantFrom(..."/{}=*:.%aB1_", "**", "{a}", "{a=*}", "%2F", "%ff", "\n"), fc.string()))
  .map((parts) => parts.join(""));

describe("whatever the template", () => {
  test("a path that a client builds of values matches it, and gives them back", () => {
    fc.assert(
      fc.property(filledTemplates, ({ template, path, values }) => {
        expect(parsePathTemplate(template).match(path)).toEqual(values);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a path with an empty segment does not match it, wherever that is", () => {
    fc.assert(
      fc.property(filledTemplates, fc.nat(), ({ template, path }, at) => {
        const segments = path.split("/");
        const broken = segments.toSpliced(1 + (at % segments.length), 0, "").join("/");
        expect(parsePathTemplate(template).match(broken)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  test("it is parsed, or refused by a TypeError that repeats it", () => {
    fc.assert(
      fc.property(garbage, (text) => {
        for (const template of [text, `/${text}`]) {
          try {
            expect(parsePathTemplate(template).text).toBe(template);
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError);
            expect(String(error)).toContain(`path template ${template}: `);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("no path makes it throw, and a value for each variable is all that it gives", () => {
    fc.assert(
      fc.property(filledTemplates, garbage, ({ template }, path) => {
        const { match, variables } = parsePathTemplate(template);
        for (const attempt of [path, `/${path}`])
          expect([undefined, variables.length]).toContain(match(attempt)?.length);
      }),
      { numRuns: 2_000 },
    );
  });

  test("two compare alike from either side", () => {
    fc.assert(
      fc.property(filledTemplates, filledTemplates, (one, other) => {
        const [first, second] = [parsePathTemplate(one.template), parsePathTemplate(other.template)];
        expect(Math.sign(compareSpecificity(first, second))).toBe(-Math.sign(compareSpecificity(second, first)) + 0);
      }),
    );
  });
});
