// The admin token: two at once, each as good as the other, and nothing that is almost one.

import { expect, test } from "vitest";
import { AuthError } from "../../src/core/errors.ts";
import { bearerToken, createAdminGuard } from "../../src/services/admin-guard.ts";

const guard = createAdminGuard(["the-first-token", "the-second-token"]);

function reasonOf(authorization: string | undefined, asked = guard): string {
  try {
    asked(new Headers(authorization === undefined ? {} : { authorization }));
    return "ok";
  } catch (error) {
    return error instanceof AuthError ? error.reason : "another error";
  }
}

test.each([
  ["the first", "Bearer the-first-token"],
  ["the second", "Bearer the-second-token"],
  ["a scheme in small letters", "bearer the-second-token"],
])("%s is let in", (_what, authorization) => {
  expect(reasonOf(authorization)).toBe("ok");
});

test.each([
  ["none", undefined],
  ["another scheme", "Basic the-first-token"],
  ["no token", "Bearer "],
  ["another", "Bearer the-third-token"],
  ["the beginning of one", "Bearer the-first-toke"],
  ["one and more", "Bearer the-first-token2"],
  ["both", "Bearer the-first-token the-second-token"],
  ["both, joined as two lines are", "Bearer the-first-token, Bearer the-second-token"],
])("%s is not", (_what, authorization) => {
  expect(reasonOf(authorization)).toBe("invalid_admin_token");
});

test("no token and a wrong one are told apart", () => {
  const messageOf = (headers: Record<string, string>): unknown => {
    try {
      return guard(new Headers(headers));
    } catch (error) {
      return error instanceof AuthError ? error.message : error;
    }
  };
  expect(messageOf({})).toBe("this call takes the admin token as Authorization Bearer");
  expect(messageOf({ authorization: "Bearer the-third-token" })).toBe("this is not an admin token of this gateway");
});

test("without tokens nobody is let in", () => {
  expect(reasonOf("Bearer undefined", createAdminGuard([]))).toBe("invalid_admin_token");
});

test("the token is what stands after the scheme", () => {
  expect(bearerToken(new Headers({ authorization: "Bearer  abc" }))).toBe("abc");
  expect(bearerToken(new Headers())).toBeUndefined();
});
