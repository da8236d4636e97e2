// Lists: filters as operators write them, and pages with their tokens.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AuthError } from "../../../src/core/errors.ts";
import {
  type Fields,
  type ListRequest,
  readFilter,
  readPageQuery,
  writePageToken,
} from "../../../src/core/registry/lists.ts";
import type { Condition, PageQuery } from "../../../src/core/registry/ports.ts";
import { caughtError } from "../caught-error.ts";

const FIELDS: Fields = {
  customer_id: "text",
  status: ["enabled", "disabled"],
  key_mode: ["shared", "derived"],
  shared_identity: "boolean",
  create_time: "time",
  device_key: "name",
  labels: "text",
};
const read = (text: string): readonly Condition[] => readFilter(text, FIELDS, 0);
const is = (field: string, value: Condition["value"], operator: Condition["operator"] = "="): Condition => ({
  field,
  operator,
  value,
});

describe("reads", () => {
  test.for<[string, readonly Condition[]]>([
    ["", []],
    [" \t\r\n", []],
    ["customer_id = acme", [is("customer_id", "acme")]],
    ['customer_id="acme"', [is("customer_id", "acme")]],
    ['customer_id != "a b"', [is("customer_id", "a b", "!=")]],
    ['customer_id = ""', [is("customer_id", "")]],
    ['customer_id = "a \\"b\\" \\\\c AND d"', [is("customer_id", 'a "b" \\c AND d')]],
    ["customer_id = AND", [is("customer_id", "AND")]],
    ["customer_id = a AND status = disabled", [is("customer_id", "a"), is("status", "disabled")]],
    ['customer_id="a"and status!=enabled\n', [is("customer_id", "a"), is("status", "enabled", "!=")]],
    ["status = STATUS_DISABLED", [is("status", "disabled")]],
    ['key_mode = "KEY_MODE_DERIVED" AnD key_mode = shared', [is("key_mode", "derived"), is("key_mode", "shared")]],
    ["shared_identity = true", [is("shared_identity", true)]],
    ['shared_identity != "false"', [is("shared_identity", false, "!=")]],
    ['labels.site = "x"', [is("labels.site", "x")]],
    ["labels.a.b-c_D = x", [is("labels.a.b-c_D", "x")]],
    ["labels.customer_id != x", [is("labels.customer_id", "x", "!=")]],
    ["device_key >= a AND device_key < b", [is("device_key", "a", ">="), is("device_key", "b", "<")]],
  ])("%j", ([text, conditions]) => {
    expect(read(text)).toEqual(conditions);
  });

  test.for([
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"],
    ["2026-01-01t00:00:00z", "2026-01-01T00:00:00.000Z"],
    ["2026-01-01T01:30:00+01:30", "2026-01-01T00:00:00.000Z"],
    ["2025-12-31T23:00:00-01:00", "2026-01-01T00:00:00.000Z"],
    ["2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500Z"],
    ["2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123Z"],
    ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000Z"],
    ["1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000Z"],
  ])("the time %s, with every operator, quoted or bare", ([time = "", expected = ""]) => {
    for (const operator of ["=", "!=", "<", "<=", ">", ">="] as const) {
      const conditions = [is("create_time", Date.parse(expected), operator)];
      expect(read(`create_time ${operator} "${time}"`)).toEqual(conditions);
      expect(read(`create_time${operator}${time}`)).toEqual(conditions);
    }
  });

  test.for([
    ["-30d", 30 * 86_400_000],
    ["-12h", 12 * 3_600_000],
    ["-5m", 300_000],
    ["-0s", 0],
    ['"-999999999s"', 999_999_999_000],
  ] as const)("the time %s, before now", ([text, ms]) => {
    expect(readFilter(`create_time < ${text}`, FIELDS, 1_000)).toEqual([is("create_time", 1_000 - ms, "<")]);
  });

  test("the longest filter, with the most comparisons", () => {
    expect(read(Array(20).fill("customer_id = a").join(" AND "))).toHaveLength(20);
    expect(read(`customer_id = "${"x".repeat(1_984)}"`)).toHaveLength(1);
  });
});

const NO_FIELD = "The fields are customer_id status key_mode shared_identity create_time device_key labels.NAME";

const UNREADABLE = [
  ...["customer_id", "customer_id : acme", "customer_id ~ acme", "customer_id =", "customer_id == acme", "= a"],
  ...['customer_id = "acme', "customer_id = 'acme'", 'customer_id = "a\\n"', "customer_id = a b", "(customer_id = a)"],
  ...["customer_id = a, status = enabled", "customer_id = a OR customer_id = b", "NOT customer_id = a"],
  ...["customer_id = a AND", "customer_id = a AND AND status = enabled", "customer_id = xAND status = enabled"],
];
const UNKNOWN = ["nosuch", "labels", "labels.", "toString", "__proto__", `labels.${"x".repeat(64)}`, "CUSTOMER_ID"];
const NO_TIMES = [
  ...["yesterday", "-30", "-1w", "30d", "1764000000000", '"2026-01-01"', '"2026-01-01T00:00:00"'],
  ...['"2026-02-30T00:00:00Z"', '"2026-13-01T00:00:00Z"', '"2026-01-01T25:00:00Z"', '"2026-01-01T00:00:60Z"'],
];

describe("names the mistake and its position", () => {
  test.for([
    ...UNREADABLE.map((text) => [text, "filter cannot be read at position"]),
    ...UNKNOWN.map((field) => [`${field} = x`, `filter has no field of this list at position 1. ${NO_FIELD}`]),
    ["  CUSTOMER_ID = x", `filter has no field of this list at position 3. ${NO_FIELD}`],
    ["customer_id < acme", "filter compares by order at position 1"],
    ["shared_identity >= true", "filter compares by order at position 1"],
    ...['"a\0"', '"a\nb"', "\ud800"].map((value) => [`customer_id = ${value}`, "filter has a control character"]),
    ["status = gone", "filter has a value at position 1 that is not enabled or disabled"],
    ["status = KEY_MODE_SHARED", "filter has a value at position 1 that is not enabled or disabled"],
    ["shared_identity = 1", "filter has a value at position 1 that is not true or false"],
    ...NO_TIMES.map((time) => [`create_time > ${time}`, "filter has a value at position 1 that is not a time of RFC"]),
    [Array(21).fill("customer_id = a").join(" AND "), "filter has more than 20 comparisons"],
    [" ".repeat(2_001), "filter has 2001 characters. Send at most 2000"],
  ])("%j", ([text = "", message = ""]) => {
    const error = caughtError(() => read(text));
    expect([error.reason, error.details]).toEqual(["malformed", { field: "filter" }]);
    expect(error.message).toContain(message);
    // grpc-js would percent-encode these characters.
    expect(error.message).not.toMatch(/[;/?:@&=+$,#]/);
  });
});

test("any value is read from its quoted form", () => {
  const texts = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text));
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 12 }), fc.constantFrom("", " ", "\n\t "), (values, space) => {
      const quoted = values.map((value) => `labels.site${space}=${space}"${value.replace(/["\\]/g, "\\$&")}"`);
      expect(read(quoted.join(" AND "))).toEqual(values.map((value) => is("labels.site", value)));
    }),
  );
});

test("any text is read or is malformed", () => {
  const pieces = fc.constantFrom("customer_id", "labels.x", "AND", "OR", ...'"\\=!< (\0éa');
  const randomText = fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join(""));
  // A slow pattern would take minutes for one of these.
  const full = fc
    .tuple(fc.constantFrom("", "customer_id = ", 'customer_id = "'), fc.oneof(pieces, fc.constant('\\"'), randomText))
    .map(([start, piece]) => (start + (piece || " ").repeat(2_000)).slice(0, 2_000));
  fc.assert(
    fc.property(fc.oneof(randomText, full, fc.string({ unit: "binary", maxLength: 200 })), (text) => {
      try {
        read(text);
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        expect(error.reason).toBe("malformed");
        expect(error.message).not.toMatch(/[;/?:@&=+$,#]/);
      }
    }),
    { numRuns: 1_000 },
  );
});

const ask = (request: Partial<ListRequest>): PageQuery =>
  readPageQuery({ color: "text" }, { pageSize: 0, pageToken: "", filter: "", ...request }, 0);

test.for([
  [0, 100],
  [1, 1],
  [1_000, 1_000],
  [1_001, 1_000],
  [2_147_483_647, 1_000],
] as const)("a page of %i has at most %i items, from the first row on", ([pageSize, size]) => {
  expect(ask({ pageSize })).toEqual({ after: "", size, conditions: [] });
});

test("a negative size is malformed", () => {
  const { message, details } = caughtError(() => ask({ pageSize: -1 }));
  expect([message, details]).toEqual(["page_size is negative", { field: "page_size" }]);
});

test("a page token leads to the items after the name that it was made for, whatever the name", () => {
  expect(writePageToken(undefined)).toBe("");
  const names = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text));
  fc.assert(
    fc.property(names, (name) => {
      const pageToken = writePageToken(name);
      expect(pageToken).toMatch(/^[\w-]+$/);
      const conditions = [is("color", "red")];
      expect(ask({ filter: " color=  red", pageToken, pageSize: 7 })).toEqual({ after: name, size: 7, conditions });
    }),
  );
});

test("a token that no list returned is malformed", () => {
  const token = writePageToken("some name");
  for (const pageToken of ["x", "!", "AAAAAAAAAAA", `${token}=`, `${token} `, `${token}AA`]) {
    const { reason, details } = caughtError(() => ask({ pageToken }));
    expect([reason, details]).toEqual(["malformed", { field: "page_token" }]);
  }
});
