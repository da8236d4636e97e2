// Update masks: what they name is changed, and nothing else; what cannot be is told.

import { create } from "@bufbuild/protobuf";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DeviceSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { readMask, requireMasked } from "../../src/services/admin-mask.ts";

const CHANGEABLE = ["display_name", "status", "labels"] as const;

function read(paths: readonly string[] | undefined, set: readonly string[] = []): readonly string[] {
  const mask = paths && create(FieldMaskSchema, { paths: [...paths] });
  return [...readMask(mask, { desc: DeviceSchema, changeable: CHANGEABLE }, (name) => set.includes(name))].sort();
}

function mistake(act: () => unknown): AuthError {
  try {
    act();
  } catch (error) {
    if (error instanceof AuthError) return error;
  }
  throw new Error("it was taken");
}

test("names are taken as the contract has them, once each", () => {
  expect(read(["labels", "display_name", "labels"])).toEqual(["display_name", "labels"]);
});

test("an asterisk is all of them", () => {
  expect(read(["*"])).toEqual([...CHANGEABLE].sort());
});

test.each([[undefined], [[]]])("without a mask (%j) it is what is set", (paths) => {
  expect(read(paths, ["status"])).toEqual(["status"]);
  expect(read(paths)).toEqual([]);
});

describe("a mask is refused that names", () => {
  test.each([
    ["what is no field", ["color"], "update_mask has color which is no field"],
    ["a part of a field", ["labels.site"], "update_mask has labels.site which is no field"],
    ["a field that cannot be changed", ["device_key"], "update_mask has device_key which cannot be changed"],
    ["one that the gateway writes", ["last_login_time"], "update_mask has last_login_time which cannot be changed"],
    ["the JSON name of one", ["displayName"], "update_mask has displayName which is no field"],
    ["an asterisk and more", ["*", "labels"], "update_mask has an asterisk beside other fields"],
    ["what is no name at all", ["a;b\n"], "update_mask has a path which is no field"],
    ["a very long name", ["x".repeat(1_000)], "update_mask has a path which is no field"],
  ])("%s", (_what, paths, message) => {
    const { reason, particulars, message: told } = mistake(() => read(paths));
    expect([reason, particulars.field]).toEqual(["malformed", "update_mask"]);
    expect(told.startsWith(message)).toBe(true);
  });

  test("and the message is fit for every protocol, whatever was sent", () => {
    fc.assert(
      fc.property(fc.string(), (path) => {
        fc.pre(!["*", ...CHANGEABLE].includes(path));
        expect(mistake(() => read([path])).message).not.toMatch(/[;/?:@&=+$,#]|[^\x20-\x7e]/);
      }),
    );
  });
});

test("what is named and has no value is no change to nothing", () => {
  expect(requireMasked("enabled", "status")).toBe("enabled");
  expect(mistake(() => requireMasked(undefined, "status")).particulars.field).toBe("status");
});
