// The names in the registry, as operators give them.

import { describe, expect, test } from "vitest";
import { readCustomerId, readDisplayName, readEnrolledDeviceKey } from "../../../src/core/registry/names.ts";
import { refusalOf } from "../refusal.ts";

describe("customer_id", () => {
  test.for(["a", "0", "acme", "a-b-", "0123456789abcdef", "a".repeat(16)])("takes %s", (text) => {
    expect(readCustomerId(text)).toBe(text);
  });

  test.for(["a".repeat(17), "-a", "A", "a_b", "a.b", "a b", "ä", "a\n", "a/b", "\0", "*"])("refuses %j", (text) => {
    const refusal = refusalOf(() => readCustomerId(text));
    expect(refusal.reason).toBe("malformed");
    expect(refusal.particulars).toEqual({ field: "customer_id" });
    expect(refusal.message).toBe(
      "customer_id is not of 1 to 16 small letters and digits and hyphens with no hyphen at the start",
    );
  });

  test("says that it is missing", () => {
    expect(refusalOf(() => readCustomerId("")).message).toBe("customer_id is missing");
  });
});

describe("device_key", () => {
  test("takes what a login takes", () => {
    for (const text of ["a", "!~", "x".repeat(96), '"'.repeat(48)]) expect(readEnrolledDeviceKey(text)).toBe(text);
    expect(refusalOf(() => readEnrolledDeviceKey("")).message).toBe("device_key is missing or empty");
    expect(refusalOf(() => readEnrolledDeviceKey("x".repeat(97))).particulars).toEqual({ field: "device_key" });
  });

  test("refuses one that would make a token too long", () => {
    const refusal = refusalOf(() => readEnrolledDeviceKey('\\"'.repeat(25)));
    expect(refusal.reason).toBe("malformed");
    expect(refusal.message).toBe(
      "device_key takes 100 characters in a token because of its quotes and backslashes. It may take 96",
    );
  });
});

describe("display_name", () => {
  test.for(["", "Pump 7 / north; #1", "漢字 🚰", "x".repeat(200)])("takes %j", (text) => {
    expect(readDisplayName(text)).toBe(text);
  });

  test.for([
    ["x".repeat(201), "display_name has 201 characters. It has at most 200"],
    ["a\nb", "display_name has a control character at place 2. Take it out"],
    ["\0", "display_name has a control character at place 1. Take it out"],
    ["ab\x7f", "display_name has a control character at place 3. Take it out"],
    ["a\ud83d", "display_name has a control character at place 2. Take it out"],
  ])("refuses %j", ([text = "", message]) => {
    const refusal = refusalOf(() => readDisplayName(text));
    expect(refusal.reason).toBe("malformed");
    expect(refusal.message).toBe(message);
    expect(refusal.particulars).toEqual({ field: "display_name" });
  });
});
