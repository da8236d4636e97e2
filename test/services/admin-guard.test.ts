// The admin token, and the actor in the audit log.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { AuthError } from "../../src/core/errors.ts";
import { adminTokenId, createActorOf, createAdminGuard } from "../../src/services/admin-guard.ts";

function errorOf(
  authorization: string | undefined,
  tokens = ["the-first-token", "the-second-token"],
): AuthError | undefined {
  try {
    createAdminGuard(tokens)(new Headers(authorization === undefined ? {} : { authorization }));
    return undefined;
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

test.each(["Bearer the-first-token", "Bearer the-second-token", "bearer  the-second-token"])(
  "the guard admits %s",
  (authorization) => {
    expect(errorOf(authorization)).toBeUndefined();
  },
);

test.each([
  undefined,
  "Basic the-first-token",
  "Bearer ",
  "Bearer the-third-token",
  "Bearer the-first-toke",
  "Bearer the-first-token2",
  "Bearer the-first-token the-second-token",
  "Bearer the-first-token, Bearer the-second-token",
])("the guard refuses %s", (authorization) => {
  expect(errorOf(authorization)?.reason).toBe("invalid_admin_token");
});

test("the guard names a missing and a wrong token, and admits nobody without tokens", () => {
  expect(errorOf(undefined)?.message).toBe("this call takes the admin token as Authorization Bearer");
  expect(errorOf("Bearer the-third-token")?.message).toBe("this is not an admin token of this gateway");
  expect(errorOf("Bearer undefined", [])?.reason).toBe("invalid_admin_token");
});

const actorOf = createActorOf((_context: { requestHeader: Headers }) => ({ address: "192.0.2.7", requestId: "r1" }));

function actorNamed(operator: string) {
  return actorOf({ requestHeader: new Headers({ authorization: "Bearer abc", "x-operator": operator }) });
}

test("an actor has the id of its token, its address and its name", () => {
  const tokenId = createHash("sha256").update("countersign admin token id v1\0abc").digest("hex").slice(0, 8);
  expect(adminTokenId("abc")).toBe(tokenId);
  expect(actorNamed("ada@ops-1")).toEqual({ tokenId, operator: "ada@ops-1", address: "192.0.2.7", requestId: "r1" });
});

test.each([
  ["", ""],
  ["Ada L", "Ada L"],
  ["x".repeat(100), "x".repeat(100)],
  ["x".repeat(101), ""],
  ["ada\u00e9", ""],
  ["a\tb", ""],
  ["ada  DeleteDevice", ""],
])("an operator named %j is recorded as %j", (operator, recorded) => {
  expect(actorNamed(operator).operator).toBe(recorded);
});
