// Who made a change, as the audit log has it: which token, and who says so.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { adminTokenId, createActorOf } from "../../src/services/admin-actor.ts";

const actorOf = createActorOf((_context: { requestHeader: Headers }) => ({ address: "192.0.2.7", requestId: "r1" }));

function operatorOf(operator: string): string {
  return actorOf({ requestHeader: new Headers({ authorization: "Bearer abc", "x-operator": operator }) }).operator;
}

test("an actor is of its token, its caller and its own word", () => {
  const requestHeader = new Headers({ authorization: "Bearer abc", "x-operator": "ada@ops-1" });
  expect(actorOf({ requestHeader })).toEqual({
    tokenId: adminTokenId("abc"),
    operator: "ada@ops-1",
    address: "192.0.2.7",
    requestId: "r1",
  });
});

describe("a token's name", () => {
  test("is eight hex digits of a hash with a label of its own", () => {
    const expected = createHash("sha256").update("countersign admin token id v1\0abc").digest("hex").slice(0, 8);
    expect(adminTokenId("abc")).toBe(expected);
    expect(adminTokenId("abc")).toMatch(/^[0-9a-f]{8}$/);
  });

  test("tells tokens apart, and is no plain hash of one", () => {
    expect(adminTokenId("abc")).not.toBe(adminTokenId("abd"));
    expect(createHash("sha256").update("abc").digest("hex")).not.toContain(adminTokenId("abc"));
  });
});

test.each([
  ["nothing", "", ""],
  ["a name with a space", "Ada L", "Ada L"],
  ["a hundred characters", "x".repeat(100), "x".repeat(100)],
  ["more", "x".repeat(101), ""],
  ["what is not ASCII", "ada\u00e9", ""],
  ["a tab", "a\tb", ""],
  ["two spaces in a row", "ada  DeleteDevice", ""],
])("of %s it keeps what a log can show", (_what, operator, kept) => {
  expect(operatorOf(operator)).toBe(kept);
});
